import { describe, expect, it } from 'vitest';

import { duration, formatsFor, sameClock, usableZone } from '../../web/src/format';

const english = formatsFor('en-GB', 'Europe/Berlin');
const german = formatsFor('de-DE', 'Europe/Berlin');

describe('numbers', () => {
  it('follow the locale', () => {
    expect(english.percent(0.8444)).toBe('84.4');
    expect(german.percent(0.8444)).toBe('84,4');
    expect(english.integer(1234567)).toBe('1,234,567');
    expect(german.integer(1234567)).toBe('1.234.567');
  });

  it('keep their decimal, so that columns of them stand still', () => {
    expect(english.percent(1)).toBe('100.0');
    expect(english.percent(1.234)).toBe('123.4');
    expect(english.wholePercent(0.996)).toBe('100');
  });

  it('that are missing are a dash, and zero is zero', () => {
    expect(english.percent(null)).toBe('–');
    expect(english.wholePercent(null)).toBe('–');
    expect(english.percent(0)).toBe('0.0');
  });
});

describe('times', () => {
  it('are the plant’s, in winter and in summer', () => {
    expect(english.time(Date.parse('2026-01-05T05:00:00Z'))).toBe('06:00');
    expect(english.time(Date.parse('2026-07-05T05:00:00Z'))).toBe('07:00');
    expect(german.timeWithSeconds(Date.parse('2026-01-05T23:00:09Z'))).toBe('00:00:09');
  });

  it('are read with the microseconds that the server sends', () => {
    expect(Date.parse('2026-01-05T06:00:00.123456Z')).toBe(Date.parse('2026-01-05T06:00:00.123Z'));
  });

  it('fall back to UTC in a zone that the browser does not know', () => {
    expect(usableZone('Europe/Atlantis')).toBe('UTC');
    expect(usableZone('Europe/Berlin')).toBe('Europe/Berlin');
  });

  it('need a named zone only where the clocks differ', () => {
    const winter = Date.parse('2026-01-05T06:00:00Z');
    expect(sameClock('Europe/Berlin', 'Europe/Paris', winter)).toBe(true);
    expect(sameClock('Europe/Berlin', 'UTC', winter)).toBe(false);
    expect(sameClock('Europe/London', 'UTC', winter)).toBe(true);
    expect(sameClock('Europe/London', 'UTC', Date.parse('2026-07-05T06:00:00Z'))).toBe(false);
  });
});

describe('a duration', () => {
  it.each([
    [-3, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [3599, '59 min'],
    [3600, '1 h 00'],
    [3600 * 3 + 60 * 5, '3 h 05'],
    [86400 * 4 + 3600 * 6, '4 d 06 h'],
  ])('of %d s reads %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});
