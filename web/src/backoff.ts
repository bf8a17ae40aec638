// How long to wait before trying again: doubling, bounded, and spread so that a hundred screens do not return at once.

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** `random` is in [0, 1): the wait is between half and all of the doubled time. */
export function backoff(attempt: number, random: number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return whole * (0.5 + random / 2);
}
