// All tiles, as large as the screen allows, line by line.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import { layOut } from '../layout';
import type { Layout, Space } from '../layout';
import { sumFigures } from '../oee';
import type { Group, View } from '../view';
import type { Env } from './env';
import { moveFocus } from './focus';
import { Tile } from './Tile';

interface Props {
  env: Env;
  groups: Group[];
  view: View;
  onOpen: (machine: string) => void;
}

export function Wall({ env, groups, view, onOpen }: Props) {
  const element = useRef<HTMLElement>(null);
  const space = useSpace(element);
  const headings = groups.length > 1 || groups[0]?.line != null;
  const sizes = groups.map((group) => group.machines.length);
  const layout = useMemo(
    () => layOut(sizes, space, headings, view.tiles),
    [sizes.join(), space, headings, view.tiles],
  );
  useEffect(() => oneTabStop(element.current));
  return (
    <main class="wall" ref={element} aria-label={env.text.wall} onKeyDown={moveFocus} onFocusIn={keepTabStop}>
      <div class={`groups ${layout.design}`} style={styleOf(layout)}>
        {groups.map((group) => (
          <section class="group" key={group.key} style={{ '--span': Math.min(group.machines.length, layout.columns) }}>
            {headings && <Heading env={env} group={group} />}
            <div class="tiles">
              {group.machines.map((machine) => (
                <Tile key={machine.machine} env={env} machine={machine} onOpen={onOpen} />
              ))}
            </div>
          </section>
        ))}
      </div>
    </main>
  );
}

function Heading({ env, group }: { env: Env; group: Group }) {
  const { text, formats, store } = env;
  const figures = sumFigures(group.machines);
  return (
    <h2 class="heading">
      <span class="line">{group.line === null ? text.no_line : store.lineName(group.line)}</span>
      <span class="line-oee" title={`${text.oee}, ${text.machines(figures.machines)}`}>
        {formats.percent(figures.oee)}
        {figures.oee !== null && ' %'}
      </span>
    </h2>
  );
}

function styleOf(layout: Layout) {
  return {
    '--columns': layout.columns,
    '--tile-font': `${layout.font_px.toFixed(2)}px`,
    '--tile-row': `${layout.row_px.toFixed(2)}px`,
  };
}

/** The room inside the wall's padding; a first guess is drawn unseen for one frame. */
function useSpace(element: { current: HTMLElement | null }): Space {
  const [space, setSpace] = useState<Space>({ width_px: innerWidth - 32, height_px: innerHeight - 160 });
  useLayoutEffect(() => {
    const wall = element.current;
    if (!wall) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      setSpace((old) => (old.width_px === width && old.height_px === height ? old : { width_px: width, height_px: height }));
    });
    observer.observe(wall);
    return () => observer.disconnect();
  }, []);
  return space;
}

/** The wall is one stop of the Tab key; the arrows move within it. */
function oneTabStop(wall: HTMLElement | null): void {
  if (wall && !wall.querySelector('.tile[tabindex="0"]')) wall.querySelector('.tile')?.setAttribute('tabindex', '0');
}

function keepTabStop(event: FocusEvent): void {
  const tile = (event.target as Element).closest('.tile');
  if (!tile) return;
  tile.closest('.wall')?.querySelector('.tile[tabindex="0"]')?.setAttribute('tabindex', '-1');
  tile.setAttribute('tabindex', '0');
}
