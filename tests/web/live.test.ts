import { describe, expect, it } from 'vitest';

import { backoff } from '../../web/src/backoff';
import { limitPaints, SHORTEST_GAP_MS } from '../../web/src/paint';
import { SseParser } from '../../web/src/sse';

describe('the event stream', () => {
  const stream = ': hello\n\nevent: state\ndata: {"a":1}\n\nevent: oee\r\ndata: one\r\ndata: two\r\n\r\ndata:bare\n\n';
  const events = [
    { event: 'state', data: '{"a":1}' },
    { event: 'oee', data: 'one\ntwo' },
    { event: 'message', data: 'bare' },
  ];

  it('is read whole', () => expect(new SseParser().push(stream)).toEqual(events));

  it('is read the same wherever the network cuts it', () => {
    for (let cut = 0; cut <= stream.length; ++cut) {
      const parser = new SseParser();
      expect([...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))]).toEqual(events);
    }
  });

  it('gives nothing before an event is complete', () => {
    expect(new SseParser().push('event: oee\ndata: 1\n')).toEqual([]);
  });
});

describe('the back-off', () => {
  it('doubles, is bounded, and never is zero', () => {
    expect([0, 1, 2].map((attempt) => backoff(attempt, 0))).toEqual([250, 500, 1000]);
    expect(backoff(1000, 0.999999)).toBeLessThanOrEqual(15_000);
    expect(backoff(1000, 0)).toBe(7_500);
  });
});

describe('painting', () => {
  it('happens at most four times a second, and shows the last change', () => {
    let now = 0;
    let changes = 0;
    const painted: [at: number, changes: number][] = [];
    const due: { at: number; call: () => void }[] = [];
    const changed = limitPaints(() => painted.push([now, changes]), {
      now: () => now,
      after: (ms, call) => void due.push({ at: now + ms, call }),
    });
    for (now = 0; now <= 2000; now += 10) {
      while (due[0] && due[0].at <= now) due.shift()!.call();
      if (now <= 1000) {
        ++changes;
        changed();
      }
    }
    const gaps = painted.slice(1).map(([at], i) => at - painted[i]![0]);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(SHORTEST_GAP_MS);
    expect(painted.length).toBeLessThanOrEqual(6);
    expect(painted[painted.length - 1]![1]).toBe(changes);
  });
});
