// Which machines are seen, in which order and in which groups; and that choice as the page's address.

import type { Category, MachineNow } from './api';
import type { WallStore } from './store';

export type Sort = 'plant' | 'oee' | 'state' | 'name';
export type TileView = 'fit' | 'detail';

export const CATEGORIES: readonly Category[] = ['stop', 'setup', 'production', 'planned_stop', 'unknown'];
export const SORTS: readonly Sort[] = ['plant', 'oee', 'state', 'name'];

export interface View {
  query: string;
  /** Empty: all. */
  categories: readonly Category[];
  sort: Sort;
  by_line: boolean;
  tiles: TileView;
}

export const DEFAULT_VIEW: View = { query: '', categories: [], sort: 'plant', by_line: true, tiles: 'detail' };

/** Machines under one heading; `line` null: under none. */
export interface Group {
  key: string;
  line: string | null;
  machines: MachineNow[];
}

export function groupsOf(store: WallStore, view: View): Group[] {
  const seen = [...store.machines.values()].filter((machine) => matches(store, machine, view));
  const sorted = seen.sort(comparison(store, view.sort));
  return view.by_line ? byLine(store, sorted) : sorted.length > 0 ? [{ key: '', line: null, machines: sorted }] : [];
}

/** How many machines are in each category, whatever is filtered: the numbers on the filter's buttons. */
export function countByCategory(machines: Iterable<MachineNow>): Record<Category, number> {
  const counts = { production: 0, setup: 0, stop: 0, planned_stop: 0, unknown: 0 };
  for (const machine of machines) counts[machine.category] += 1;
  return counts;
}

function matches(store: WallStore, machine: MachineNow, view: View): boolean {
  if (view.categories.length > 0 && !view.categories.includes(machine.category)) return false;
  const { name, line } = store.place(machine.machine);
  const words = [machine.machine, name, line && store.lineName(line), machine.state];
  words.push(machine.product && store.productName(machine.product), machine.reason && store.reasonName(machine.reason));
  const text = words.filter(Boolean).join(' ').toLocaleLowerCase();
  return view.query.toLocaleLowerCase().split(/\s+/).every((word) => text.includes(word));
}

type Comparison = (a: MachineNow, b: MachineNow) => number;

/** Ties stay in the plant's order, because sorting is stable: tiles do not jump about. */
function comparison(store: WallStore, sort: Sort): Comparison {
  const order = new Map((store.plant?.machine ?? []).map((machine, index) => [machine.id, index]));
  const inPlant: Comparison = (a, b) =>
    (order.get(a.machine) ?? Infinity) - (order.get(b.machine) ?? Infinity) || byName(a.machine, b.machine);
  if (sort === 'oee') return (a, b) => worstFirst(a.oee, b.oee) || inPlant(a, b);
  if (sort === 'state') return (a, b) => rank(a) - rank(b) || longestFirst(a, b) || inPlant(a, b);
  if (sort === 'name') return (a, b) => byName(store.place(a.machine).name, store.place(b.machine).name) || inPlant(a, b);
  return (a, b) => inPlant(a, b) || 0;
}

// Numbers in names count as numbers: "Press 2" comes before "Press 10".
const collator = new Intl.Collator(undefined, { numeric: true });
const byName = (a: string, b: string) => collator.compare(a, b);
const rank = (machine: MachineNow) => CATEGORIES.indexOf(machine.category);
const longestFirst = (a: MachineNow, b: MachineNow) => Date.parse(a.since ?? '') - Date.parse(b.since ?? '') || 0;

/** What has no OEE is neither good nor bad: it comes last. */
function worstFirst(a: number | null, b: number | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return a - b;
}

/** Lines in the plant's order; machines without one at the end. */
function byLine(store: WallStore, machines: readonly MachineNow[]): Group[] {
  const order = (store.plant?.line ?? []).map((line) => line.id);
  const groups = new Map<string, Group>(order.map((line) => [line, { key: line, line, machines: [] }]));
  const rest: Group = { key: '', line: null, machines: [] };
  for (const machine of machines) (groups.get(store.place(machine.machine).line ?? '') ?? rest).machines.push(machine);
  return [...groups.values(), rest].filter((group) => group.machines.length > 0);
}

/** Only what differs from the default stands in the address, so that it stays short. */
export function toAddress(view: View): string {
  const search = new URLSearchParams();
  if (view.query) search.set('q', view.query);
  if (view.categories.length > 0) search.set('state', view.categories.join(','));
  if (view.sort !== DEFAULT_VIEW.sort) search.set('sort', view.sort);
  if (!view.by_line) search.set('group', 'none');
  if (view.tiles !== DEFAULT_VIEW.tiles) search.set('tiles', view.tiles);
  return search.toString();
}

/** Whatever cannot be understood is the default: an old address still opens. */
export function fromAddress(address: string): View {
  const search = new URLSearchParams(address);
  const states = (search.get('state') ?? '').split(',');
  return {
    query: search.get('q') ?? '',
    categories: CATEGORIES.filter((category) => states.includes(category)),
    sort: SORTS.find((sort) => sort === search.get('sort')) ?? DEFAULT_VIEW.sort,
    by_line: search.get('group') !== 'none',
    tiles: search.get('tiles') === 'fit' ? 'fit' : 'detail',
  };
}
