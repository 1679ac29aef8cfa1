/** Largest event that is taken; the service's own are far below. */
export const MAX_EVENT_CHARS = 1 << 20;

/** How long a stream may go on after its last event, in milliseconds. */
const DRAIN = 1000;

export interface ServerEvent {
  event: string;
  data: string;
}

/**
 * Takes a `text/event-stream` apart, whatever way it was cut into pieces (WHATWG HTML §9.2.6).
 *
 * Only `event` and `data` are kept: the service sends no ids and no retry times.
 */
export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];

  /** Add a piece; returns the events that are complete now. */
  push(piece: string): ServerEvent[] {
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    if (this.rest.length > MAX_EVENT_CHARS) throw new RangeError("the event is too long");
    const events: ServerEvent[] = [];
    for (const line of lines) this.line(line, events);
    return events;
  }

  private line(line: string, events: ServerEvent[]): void {
    if (line === "") {
      if (this.data.length > 0)
        events.push({ event: this.event || "message", data: this.data.join("\n") });
      this.event = "";
      this.data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
  }
}

/** Events of a response body until it ends. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    void drain(reader);
  }
}

/** Read what is left, so that the connection ends well and is used again; not for long. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), DRAIN);
  try {
    while (!(await reader.read()).done);
  } catch {
    // It was stopped, or broke: there is nothing left.
  } finally {
    clearTimeout(timer);
  }
}
