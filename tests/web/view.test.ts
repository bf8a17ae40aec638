import { describe, expect, it } from 'vitest';

import { WallStore } from '../../web/src/store';
import { countByCategory, DEFAULT_VIEW, fromAddress, groupsOf, toAddress } from '../../web/src/view';
import type { View } from '../../web/src/view';
import { machine } from './machines';

const store = new WallStore();
store.setPlant({
  plant: { id: 'P' },
  line: [{ id: 'L2', name: 'Second' }, { id: 'L1', name: 'First' }],
  machine: [
    { id: 'M10', name: 'Press 10', line: 'L1' },
    { id: 'M2', name: 'Press 2', line: 'L1' },
    { id: 'M3', name: 'Mill', line: 'L2' },
  ],
  reason: [{ code: 'T', name: 'Tool change' }],
});
store.applySnapshot([
  machine('M2', { oee: 0.9 }),
  machine('M10', { oee: 0.4, category: 'stop', state: 'down', reason: 'T' }),
  machine('M3', { oee: null }),
  machine('M0', { oee: 0.6 }),
]);

const ids = (view: Partial<View>) =>
  groupsOf(store, { ...DEFAULT_VIEW, by_line: false, ...view }).flatMap((group) => group.machines.map((one) => one.machine));

describe('the wall', () => {
  it('groups by line in the plant’s order, what has no line last', () => {
    const groups = groupsOf(store, DEFAULT_VIEW).map((group) => [group.line, ...group.machines.map((one) => one.machine)]);
    expect(groups).toEqual([['L2', 'M3'], ['L1', 'M10', 'M2'], [null, 'M0']]);
  });

  it('sorts by the worst OEE, what has none last', () => {
    expect(ids({ sort: 'oee' })).toEqual(['M10', 'M0', 'M2', 'M3']);
  });

  it('sorts names with their numbers as numbers', () => {
    expect(ids({ sort: 'name' })).toEqual(['M0', 'M3', 'M2', 'M10']);
  });

  it('sorts stops first', () => {
    expect(ids({ sort: 'state' })[0]).toBe('M10');
  });

  it('finds by name, line and reason, all words of them', () => {
    expect(ids({ query: 'press first' })).toEqual(['M10', 'M2']);
    expect(ids({ query: 'TOOL' })).toEqual(['M10']);
    expect(ids({ query: 'press second' })).toEqual([]);
  });

  it('filters by state', () => {
    expect(ids({ categories: ['stop'] })).toEqual(['M10']);
  });

  it('counts states whatever is filtered', () => {
    expect(countByCategory(store.machines.values())).toEqual({ production: 3, setup: 0, stop: 1, planned_stop: 0, unknown: 0 });
  });
});

describe('the address', () => {
  it('gives back the view', () => {
    const view: View = { query: 'a&b', categories: ['stop', 'unknown'], sort: 'oee', by_line: false, tiles: 'fit' };
    expect(fromAddress(toAddress(view))).toEqual(view);
  });

  it('of the default is empty, and nonsense is the default', () => {
    expect(toAddress(DEFAULT_VIEW)).toBe('');
    expect(fromAddress('?sort=banana&state=nap&group=3')).toEqual(DEFAULT_VIEW);
  });
});
