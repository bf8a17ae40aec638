// The arrow keys on the wall: left and right in reading order, up and down to the nearest tile of the next row.

export function moveFocus(event: KeyboardEvent): void {
  const wall = event.currentTarget as HTMLElement;
  const from = (event.target as Element).closest<HTMLElement>('.tile');
  if (!from) return;
  const tiles = [...wall.querySelectorAll<HTMLElement>('.tile')];
  const to = target(event.key, from, tiles);
  if (!to) return;
  event.preventDefault();
  to.focus();
}

function target(key: string, from: HTMLElement, tiles: HTMLElement[]): HTMLElement | undefined {
  const index = tiles.indexOf(from);
  if (key === 'ArrowRight') return tiles[index + 1];
  if (key === 'ArrowLeft') return tiles[index - 1];
  if (key === 'Home') return tiles[0];
  if (key === 'End') return tiles[tiles.length - 1];
  if (key === 'ArrowDown') return nearest(from, tiles, 1);
  if (key === 'ArrowUp') return nearest(from, tiles, -1);
  return undefined;
}

function nearest(from: HTMLElement, tiles: HTMLElement[], direction: 1 | -1): HTMLElement | undefined {
  const here = from.getBoundingClientRect();
  let best: HTMLElement | undefined;
  let best_distance = Infinity;
  for (const tile of tiles) {
    const there = tile.getBoundingClientRect();
    const down = (there.top - here.top) * direction;
    // A row further away never wins over a nearer one, however far to the side that lies.
    const distance = down * 10_000 + Math.abs(there.left - here.left);
    if (down > 1 && distance < best_distance) [best, best_distance] = [tile, distance];
  }
  return best;
}
