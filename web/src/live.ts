// Keeps the store true: one stream of changes, and a full answer whenever the stream (re)starts and now and then.
//
// Changes that arrive while a full answer is under way are kept and applied after it. Some of them may be older than
// the answer, but every later change follows on the same ordered stream, so the store always ends at the newest.

import { ApiError, clockOffset, fetchCurrent, fetchPlant, problemOf } from './api';
import type { MachineNow, StateEvent } from './api';
import { backoff } from './backoff';
import { SseParser } from './sse';
import type { ServerEvent } from './sse';
import type { WallStore } from './store';

// The times of an open bucket grow without any event, and a shift ends by the clock: ask again even if nothing comes.
const RESYNC_MS = 30_000;
// A stream that is silent for longer than the server's sign of life may be dead without anybody having closed it.
const SILENCE_MS = 45_000;

export class LiveFeed {
  private attempt = 0;
  private heard_at = 0;
  private stream: AbortController | undefined;
  private queued: ServerEvent[] | undefined;
  private wake: (() => void) | undefined;

  constructor(private readonly store: WallStore) {}

  /** Runs until the page is closed. */
  start(): void {
    void this.run();
    setInterval(() => void this.resync(), RESYNC_MS);
    setInterval(() => this.watchSilence(), 1000);
    // The network is back, or a tablet was unlocked: do not wait for the back-off.
    addEventListener('online', () => this.hurry());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.hurry();
    });
  }

  private async run(): Promise<never> {
    for (;;) {
      try {
        await this.followOnce();
      } catch (error) {
        const locked = error instanceof ApiError && error.status === 401;
        this.store.lost(error instanceof Error ? error.message : String(error), locked);
      }
      await this.pause(backoff(this.attempt++, Math.random()));
    }
  }

  /** One life of the stream: opened, filled by a full answer, followed to its end. Always ends by throwing. */
  private async followOnce(): Promise<never> {
    const controller = new AbortController();
    this.stream = controller;
    this.heard_at = Date.now(); // the silence is counted from the attempt
    try {
      const response = await fetch('/v1/live', {
        headers: { Accept: 'text/event-stream' },
        cache: 'no-store',
        signal: controller.signal,
      });
      if (!response.ok || !response.body) throw await problemOf(response);
      this.store.setClockOffset(clockOffset(response));
      const follow = this.follow(response.body);
      await Promise.race([follow, this.fill()]);
      this.attempt = 0;
      this.store.connected();
      return await follow;
    } finally {
      controller.abort();
      this.queued = undefined;
    }
  }

  private async follow(body: ReadableStream<Uint8Array>): Promise<never> {
    const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error('the live stream ended');
      this.heard();
      for (const event of parser.push(value)) this.take(event);
    }
  }

  /** The plant and every machine as they are now, then what changed meanwhile. */
  private async fill(): Promise<void> {
    this.queued ??= [];
    try {
      const [plant, current] = await Promise.all([fetchPlant(), fetchCurrent()]);
      this.store.setPlant(plant.body);
      this.store.setClockOffset(current.clock_offset_ms);
      this.store.applySnapshot(current.body.machines);
      this.heard();
    } finally {
      const queued = this.queued ?? [];
      this.queued = undefined;
      for (const event of queued) this.apply(event);
    }
  }

  private async resync(): Promise<void> {
    if (this.store.connection.state !== 'live' || this.queued) return;
    await this.fill().catch(() => undefined); // a lost server shows itself on the stream
  }

  private take(event: ServerEvent): void {
    if (this.queued) this.queued.push(event);
    else this.apply(event);
  }

  private apply(event: ServerEvent): void {
    if (event.event === 'state') this.store.applyState(JSON.parse(event.data) as StateEvent);
    if (event.event === 'oee') this.store.applyOee(JSON.parse(event.data) as MachineNow);
    // `count` needs nothing: the figures of the piece come with the machine's next `oee`.
  }

  private heard(): void {
    this.heard_at = Date.now();
    this.store.heard(this.heard_at);
  }

  private watchSilence(): void {
    if (this.stream && Date.now() - this.heard_at > SILENCE_MS) this.stream.abort(new Error('the live stream is silent'));
  }

  /** Tries again now. */
  hurry(): void {
    this.attempt = 0;
    this.wake?.();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
