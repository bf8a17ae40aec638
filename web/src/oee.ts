// Figures of a group of machines: sums first, then ratios of the sums. A mean of ratios would let a machine that was
// planned for five minutes weigh as much as one that ran all shift.

import type { Bucket } from './api';

export type Ratio = number | null;

export interface Figures {
  machines: number;
  planned_busy_time_s: number;
  actual_production_time_s: number;
  ideal_production_time_s: Ratio;
  ideal_good_time_s: Ratio;
  produced_quantity: number;
  good_quantity: number;
  scrap_quantity: number;
  rework_quantity: number;
  availability: Ratio;
  effectiveness: Ratio;
  quality_ratio: Ratio;
  oee: Ratio;
  flags: string[];
}

/** The group's figures, by the formulas of contract 5. */
export function sumFigures(buckets: readonly Bucket[]): Figures {
  const busy = addTimes(buckets.map((b) => b.planned_busy_time_s)) ?? 0;
  const production = addTimes(buckets.map((b) => b.actual_production_time_s)) ?? 0;
  const ideal = addTimes(buckets.map((b) => b.ideal_production_time_s));
  const ideal_good = addTimes(buckets.map((b) => b.ideal_good_time_s));
  const produced_quantity = add(buckets, (b) => b.produced_quantity);
  return {
    machines: buckets.length,
    planned_busy_time_s: busy,
    actual_production_time_s: production,
    ideal_production_time_s: ideal,
    ideal_good_time_s: ideal_good,
    produced_quantity,
    good_quantity: add(buckets, (b) => b.good_quantity),
    scrap_quantity: add(buckets, (b) => b.scrap_quantity),
    rework_quantity: add(buckets, (b) => b.rework_quantity),
    availability: ratio(production, busy),
    effectiveness: ratio(ideal, production),
    quality_ratio: ratio(ideal_good, ideal),
    oee: ratio(ideal_good, busy),
    flags: flagsOf(busy, ideal, ideal_good, produced_quantity, ratio(ideal, production)),
  };
}

/** Null where the denominator is zero or either side is missing: never 0, NaN or 1. */
export function ratio(numerator: Ratio, denominator: Ratio): Ratio {
  if (numerator === null || denominator === null || denominator === 0) return null;
  return numerator / denominator;
}

/** One missing ideal time makes the sum missing: an ideal is never made up. Added as whole microseconds, so exactly. */
function addTimes(times: readonly Ratio[]): Ratio {
  let sum_us = 0;
  for (const time of times) {
    if (time === null) return null;
    sum_us += Math.round(time * 1e6);
  }
  return sum_us / 1e6;
}

function add(buckets: readonly Bucket[], quantity: (bucket: Bucket) => number): number {
  return buckets.reduce((sum, bucket) => sum + quantity(bucket), 0);
}

function flagsOf(busy: number, ideal: Ratio, ideal_good: Ratio, produced: number, effectiveness: Ratio): string[] {
  const flags: string[] = [];
  if (ideal === null || ideal_good === null) flags.push('ideal_cycle_missing');
  if (busy === 0) flags.push('not_planned');
  if (busy > 0 && produced === 0) flags.push('no_output');
  if (effectiveness !== null && effectiveness > 1) flags.push('effectiveness_above_1');
  return flags;
}
