// Draws soon after a change, and never more often than four times a second, however fast the plant reports.

export const SHORTEST_GAP_MS = 250;

/** What the limiter needs of the browser; tests bring their own. */
export interface Timers {
  now(): number;
  after(ms: number, call: () => void): void;
}

const BROWSER: Timers = {
  now: () => performance.now(),
  // The frame callback is skipped while the page is hidden, which is what we want: nobody looks.
  after: (ms, call) => void setTimeout(() => requestAnimationFrame(call), ms),
};

/** Returns a function to call on every change. */
export function limitPaints(draw: () => void, timers: Timers = BROWSER): () => void {
  let last = -Infinity;
  let pending = false;
  const paint = () => {
    pending = false;
    last = timers.now();
    draw();
  };
  return () => {
    if (pending) return;
    pending = true;
    timers.after(Math.max(0, last + SHORTEST_GAP_MS - timers.now()), paint);
  };
}
