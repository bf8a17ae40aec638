// Server-Sent Events out of a byte stream. EventSource would do it too, but it hides comments (the server's sign of
// life on a quiet plant) and gives up for good on a 503, which is what a restarting server answers.

export interface ServerEvent {
  event: string;
  data: string;
}

/** Feed it text as it arrives; it gives back the events that are complete. */
export class SseParser {
  private rest = '';
  private event = '';
  private data: string[] = [];

  push(text: string): ServerEvent[] {
    const lines = (this.rest + text).split(/\r?\n/);
    this.rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.take(line) ?? []);
  }

  /** One line: a field to remember, or the empty line that ends an event. */
  private take(line: string): ServerEvent | undefined {
    if (line === '') return this.finish();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.event = value;
    if (field === 'data') this.data.push(value);
    return undefined;
  }

  private finish(): ServerEvent | undefined {
    const done = { event: this.event || 'message', data: this.data.join('\n') };
    const empty = this.data.length === 0;
    this.event = '';
    this.data = [];
    return empty ? undefined : done;
  }
}
