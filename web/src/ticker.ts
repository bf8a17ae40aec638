// The passing of time, for the few characters on a tile that change with it: a tile itself is drawn only when its
// machine changes.

const listeners = new Set<(now_ms: number) => void>();
let latest_ms = Date.now();

/** Called within a paint, with the server's time. */
export function tick(now_ms: number): void {
  latest_ms = now_ms;
  for (const listener of listeners) listener(now_ms);
}

/** Calls `listener` now and at every tick; the answer ends that. */
export function onTick(listener: (now_ms: number) => void): () => void {
  listeners.add(listener);
  listener(latest_ms);
  return () => listeners.delete(listener);
}
