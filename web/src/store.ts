// The one state of the page: the plant, every machine now, and how fresh that is. Pure: it knows no network, no clock
// and no screen. Machines are replaced, never changed, so that a tile sees by identity that nothing happened to it.

import type { MachineNow, Plant, StateEvent } from './api';

export type ConnectionState = 'connecting' | 'live' | 'reconnecting';

export interface Connection {
  state: ConnectionState;
  /** When the server was last heard, in our own clock; 0: never. */
  heard_at_ms: number;
  /** Why the connection is not live, in the server's or the network's words. */
  problem: string | null;
  /** The server asks for a token: nothing comes until somebody shows one. */
  locked: boolean;
}

/** What the page calls a machine, and where it stands. */
export interface Place {
  name: string;
  line: string | null;
}

// After this long without a word the figures are no longer called current.
export const STALE_AFTER_MS = 10_000;

export class WallStore {
  plant: Plant | null = null;
  readonly machines = new Map<string, MachineNow>();
  connection: Connection = { state: 'connecting', heard_at_ms: 0, problem: null, locked: false };
  clock_offset_ms = 0;
  /** False until the first full answer: "no machines" and "not yet known" are different pages. */
  loaded = false;

  private places = new Map<string, Place>();
  private line_names = new Map<string, string>();
  private reasons = new Map<string, string>();
  private products = new Map<string, string>();
  private listeners = new Set<() => void>();

  /** Calls `listener` after every change; the answer ends that. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  setPlant(plant: Plant): void {
    if (JSON.stringify(plant) === JSON.stringify(this.plant)) return; // the same names: no tile need be drawn again
    this.plant = plant;
    this.line_names = new Map((plant.line ?? []).map((line) => [line.id, line.name ?? line.id]));
    this.places = new Map(
      (plant.machine ?? []).map((machine) => [
        machine.id,
        { name: machine.name ?? machine.id, line: machine.line ?? null },
      ]),
    );
    this.reasons = new Map((plant.reason ?? []).map((reason) => [reason.code, reason.name ?? reason.code]));
    this.products = new Map((plant.product ?? []).map((product) => [product.id, product.name ?? product.id]));
    this.changed();
  }

  /** Every machine as it is now; whoever is not in it has gone. */
  applySnapshot(machines: readonly MachineNow[]): void {
    this.machines.clear();
    for (const machine of machines) this.machines.set(machine.machine, machine);
    this.loaded = true;
    this.changed();
  }

  /** One machine's figures and state, whole; a machine never seen before is a new one. */
  applyOee(machine: MachineNow): void {
    this.put(machine);
  }

  /** A new state keeps the figures: they follow with the machine's next `oee`. */
  applyState(event: StateEvent): void {
    const before = this.machines.get(event.machine);
    if (!before) return; // its figures will bring the machine
    const { state, category, reason, since, product } = event;
    this.put({ ...before, state, category, reason, since, product });
  }

  connected(): void {
    this.connection = { ...this.connection, state: 'live', problem: null, locked: false };
    this.changed();
  }

  lost(problem: string, locked = false): void {
    this.connection = { ...this.connection, state: this.loaded ? 'reconnecting' : 'connecting', problem, locked };
    this.changed();
  }

  heard(at_ms: number): void {
    this.connection = { ...this.connection, heard_at_ms: at_ms };
    this.changed();
  }

  setClockOffset(offset_ms: number | null): void {
    if (offset_ms !== null) this.clock_offset_ms = offset_ms;
  }

  place(machine: string): Place {
    return this.places.get(machine) ?? { name: machine, line: null };
  }

  lineName(line: string): string {
    return this.line_names.get(line) ?? line;
  }

  reasonName(code: string): string {
    return this.reasons.get(code) ?? code;
  }

  productName(id: string): string {
    return this.products.get(id) ?? id;
  }

  private put(machine: MachineNow): void {
    this.machines.set(machine.machine, machine);
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Live while the stream is; stale once nothing was heard for so long that the figures mislead. */
export function freshness(connection: Connection, now_ms: number): ConnectionState | 'stale' {
  if (connection.state !== 'reconnecting') return connection.state;
  return now_ms - connection.heard_at_ms > STALE_AFTER_MS ? 'stale' : 'reconnecting';
}
