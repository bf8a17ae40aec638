// Why a figure is missing or odd, in words, from the flags that the server sends with it.

import type { Messages } from './i18n';
import type { Ratio } from './oee';

interface Judged {
  planned_busy_time_s: number;
  actual_production_time_s: number;
  effectiveness: Ratio;
  flags: readonly string[];
}

/** One sentence for each flag, the ones that make a figure null first. */
export function whyOf(bucket: Judged, text: Messages): string[] {
  const has = (flag: string) => bucket.flags.includes(flag);
  const sentences: string[] = [];
  if (has('ideal_cycle_missing')) sentences.push(text.why.ideal_cycle_missing);
  if (has('not_planned')) sentences.push(text.why.not_planned);
  if (has('no_output')) sentences.push(text.why.no_output);
  if (bucket.actual_production_time_s === 0 && bucket.planned_busy_time_s > 0) sentences.push(text.why.no_production);
  if (has('effectiveness_above_1')) sentences.push(text.why.effectiveness_above_1);
  if (has('unknown_time')) sentences.push(text.why.unknown_time);
  return sentences;
}
