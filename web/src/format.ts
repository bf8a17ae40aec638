// Numbers by the reader's locale, times in the plant's zone. A missing value is a dash, never a zero.

import type { Ratio } from './oee';

export const DASH = '–';

export interface Formats {
  /** 0.844 as "84.4", without its sign. */
  percent(ratio: Ratio): string;
  /** 0.844 as "84". */
  wholePercent(ratio: Ratio): string;
  integer(value: number): string;
  /** A wall-clock time of the plant, "14:03". */
  time(instant_ms: number): string;
  timeWithSeconds(instant_ms: number): string;
  dateAndTime(instant_ms: number): string;
}

export function formatsFor(locale: string, zone: string): Formats {
  const percent = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const integer = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: usableZone(zone) } as const;
  const time = new Intl.DateTimeFormat(locale, clock);
  const seconds = new Intl.DateTimeFormat(locale, { ...clock, second: '2-digit' });
  const date = new Intl.DateTimeFormat(locale, { ...clock, weekday: 'short', day: 'numeric', month: 'short' });
  return {
    percent: (ratio) => (ratio === null ? DASH : percent.format(ratio * 100)),
    wholePercent: (ratio) => (ratio === null ? DASH : integer.format(ratio * 100)),
    integer: (value) => integer.format(value),
    time: (instant_ms) => time.format(instant_ms),
    timeWithSeconds: (instant_ms) => seconds.format(instant_ms),
    dateAndTime: (instant_ms) => date.format(instant_ms),
  };
}

/** The browser may not know the plant's zone (an old tablet): UTC is then right, and named. */
export function usableZone(zone: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone;
  } catch {
    return 'UTC';
  }
}

/** True if both zones show the same wall clock at that instant. */
export function sameClock(one: string, other: string, instant_ms: number): boolean {
  const show = (zone: string) =>
    new Intl.DateTimeFormat('en', { dateStyle: 'short', timeStyle: 'short', timeZone: zone }).format(instant_ms);
  return one === other || show(one) === show(other);
}

/** "8 s", "12 min", "3 h 05", "4 d 06 h": as exact as somebody needs who walks up to the machine. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (whole < 60) return `${whole} s`;
  if (minutes < 60) return `${minutes} min`;
  if (hours < 24) return `${hours} h ${pad(minutes % 60)}`;
  return `${Math.floor(hours / 24)} d ${pad(hours % 24)} h`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
