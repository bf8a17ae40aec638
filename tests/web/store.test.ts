import { describe, expect, it } from 'vitest';

import type { Category, StateEvent } from '../../web/src/api';
import { freshness, STALE_AFTER_MS, WallStore } from '../../web/src/store';
import { machine } from './machines';

function stopped(id: string): StateEvent {
  const ts = '2026-01-05T09:00:00Z';
  return { machine: id, state: 'down', category: 'stop' as Category, reason: 'FAIL', since: ts, product: 'X', ts };
}

function filled(...ids: string[]): WallStore {
  const store = new WallStore();
  store.applySnapshot(ids.map((id) => machine(id)));
  return store;
}

describe('the store', () => {
  it('takes a new state and keeps the figures', () => {
    const store = filled('A');
    store.applyState(stopped('A'));
    expect(store.machines.get('A')).toEqual({ ...machine('A'), state: 'down', category: 'stop', reason: 'FAIL', since: '2026-01-05T09:00:00Z' });
  });

  it('replaces only the machine that changed, so that the others are not drawn', () => {
    const store = filled('A', 'B');
    const [a, b] = [store.machines.get('A'), store.machines.get('B')];
    store.applyOee(machine('A', { good_quantity: 1 }));
    expect(store.machines.get('A')).not.toBe(a);
    expect(store.machines.get('B')).toBe(b);
  });

  it('takes a machine it has never seen from its figures, not from a state without any', () => {
    const store = filled('A');
    store.applyState(stopped('B'));
    expect(store.machines.has('B')).toBe(false);
    store.applyOee(machine('B'));
    expect(store.machines.has('B')).toBe(true);
  });

  it('forgets machines that a full answer no longer holds', () => {
    const store = filled('A', 'B');
    store.applySnapshot([machine('B')]);
    expect([...store.machines.keys()]).toEqual(['B']);
  });

  it('tells "no machines" from "not yet known"', () => {
    const store = new WallStore();
    expect(store.loaded).toBe(false);
    store.applySnapshot([]);
    expect(store.loaded).toBe(true);
  });

  it('says that something changed', () => {
    const store = filled('A');
    let changes = 0;
    const end = store.subscribe(() => ++changes);
    store.applyState(stopped('A'));
    expect(changes).toBe(1);
    end();
    store.applyState(stopped('A'));
    expect(changes).toBe(1);
  });

  it('names what the plant names, and everything else by its id', () => {
    const store = filled('A');
    store.setPlant({
      plant: { id: 'P' },
      line: [{ id: 'L', name: 'Line 1' }],
      machine: [{ id: 'A', name: 'Press', line: 'L' }],
      reason: [{ code: 'FAIL', name: 'Failure' }],
    });
    expect(store.place('A')).toEqual({ name: 'Press', line: 'L' });
    expect(store.place('B')).toEqual({ name: 'B', line: null });
    expect([store.lineName('L'), store.lineName('K')]).toEqual(['Line 1', 'K']);
    expect([store.reasonName('FAIL'), store.reasonName('X')]).toEqual(['Failure', 'X']);
  });
});

describe('the connection', () => {
  it('is stale only when lost and unheard for long', () => {
    const store = filled('A');
    store.heard(1000);
    store.connected();
    expect(freshness(store.connection, 1000 + 10 * STALE_AFTER_MS)).toBe('live'); // a quiet plant is not a lost one
    store.lost('gone');
    expect(freshness(store.connection, 1000 + STALE_AFTER_MS)).toBe('reconnecting');
    expect(freshness(store.connection, 1001 + STALE_AFTER_MS)).toBe('stale');
    expect(store.connection.problem).toBe('gone');
  });

  it('that never was is being made, not stale', () => {
    const store = new WallStore();
    store.lost('refused');
    expect(freshness(store.connection, 1e9)).toBe('connecting');
  });
});
