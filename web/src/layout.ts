// How large a tile may be, so that one machine fills the wall screen and five hundred still fit on it.
//
// Three designs of a tile, each drawn in em: one font size scales it whole. The roomiest design that fits at a
// readable size wins. Groups flow side by side: one of three machines takes three columns, the next stands beside it.

export type DesignName = 'full' | 'dense' | 'mini';

export interface Design {
  name: DesignName;
  width_em: number;
  height_em: number;
  smallest_px: number;
  largest_px: number;
}

export const DESIGNS: readonly Design[] = [
  { name: 'full', width_em: 17.5, height_em: 13, smallest_px: 14, largest_px: 60 },
  { name: 'dense', width_em: 13.5, height_em: 9.7, smallest_px: 12, largest_px: 22 },
  { name: 'mini', width_em: 7.6, height_em: 3.6, smallest_px: 11, largest_px: 18 },
];

export const GAP_PX = 8;
export const HEADING_PX = 34;
/** Below this width the page is held in a hand: it scrolls, and nothing shrinks to fit. */
const HAND_HELD_PX = 700;
/** How much higher than drawn a tile may become where there is room left: above that it looks empty. */
const STRETCH = 1.3;

export interface Space {
  width_px: number;
  height_px: number;
}

export interface Layout {
  design: DesignName;
  font_px: number;
  columns: number;
  row_px: number;
}

/** `sizes`: machines in each group. */
export function layOut(sizes: readonly number[], space: Space, headings: boolean, tiles: 'fit' | 'detail'): Layout {
  if (space.width_px < HAND_HELD_PX) return scrolling(handDesign(sizes), space);
  // With details a wall of many machines scrolls; to fit them all on one screen is a choice of whoever hangs it up.
  const designs = tiles === 'detail' ? DESIGNS.filter((design) => design.name !== 'mini') : DESIGNS;
  for (const design of designs) {
    const layout = fitted(design, sizes, space, headings);
    if (layout) return layout;
  }
  return scrolling(designs[designs.length - 1]!, space);
}

function handDesign(sizes: readonly number[]): Design {
  const machines = sizes.reduce((sum, size) => sum + size, 0);
  return machines <= 12 ? DESIGNS[0]! : DESIGNS[1]!;
}

/** The smallest size, as many columns as there is room for, and as long as it needs to be. */
function scrolling(design: Design, space: Space): Layout {
  const tile_px = design.width_em * design.smallest_px;
  const columns = Math.max(1, Math.floor((space.width_px + GAP_PX) / (tile_px + GAP_PX)));
  const stretched = (space.width_px - GAP_PX * (columns - 1)) / columns / design.width_em;
  const font_px = columns > 1 ? design.smallest_px : Math.min(design.smallest_px * 1.2, stretched);
  return { design: design.name, font_px, columns, row_px: design.height_em * font_px };
}

/** The number of columns that allows the largest font; undefined if none allows a readable one. */
function fitted(design: Design, sizes: readonly number[], space: Space, headings: boolean): Layout | undefined {
  let best: Layout | undefined;
  const most = Math.floor((space.width_px + GAP_PX) / (design.width_em * design.smallest_px + GAP_PX));
  for (let columns = 1; columns <= most; ++columns) {
    const layout = withColumns(columns, design, sizes, space, headings);
    if (layout.font_px >= design.smallest_px && layout.font_px > (best?.font_px ?? 0)) best = layout;
  }
  return best;
}

function withColumns(columns: number, design: Design, sizes: readonly number[], space: Space, headings: boolean): Layout {
  const { rows, shelves } = shelve(sizes, columns);
  const spare_px = space.height_px - (headings ? shelves * HEADING_PX : 0) - (rows - 1) * GAP_PX;
  const by_width = (space.width_px - GAP_PX * (columns - 1)) / columns / design.width_em;
  const font_px = Math.min(by_width, spare_px / rows / design.height_em, design.largest_px);
  // Room that is left over makes the tiles a little higher, not the letters wider.
  const row_px = Math.min(spare_px / rows, design.height_em * font_px * STRETCH);
  return { design: design.name, font_px, columns, row_px };
}

/** Groups flow from left to right; one that does not fit beside the last begins a new shelf. */
export function shelve(sizes: readonly number[], columns: number): { rows: number; shelves: number } {
  let rows = 0;
  let shelves = 0;
  let used = columns;
  let height = 0;
  for (const size of sizes) {
    const width = Math.min(size, columns);
    if (used + width > columns) {
      rows += height;
      shelves += 1;
      used = 0;
      height = 0;
    }
    used += width;
    height = Math.max(height, Math.ceil(size / columns));
  }
  return { rows: Math.max(1, rows + height), shelves: Math.max(1, shelves) };
}
