/** Server-sent events: text to events and back (https://html.spec.whatwg.org/multipage/server-sent-events.html). */

/** One unnamed event; `json` is serialised JSON, which has no line break of its own. */
export function encodeSseData(json: string): string {
  return `data: ${json}\n\n`;
}

/** One named event. */
export function encodeSseEvent(event: string, json: string): string {
  return `event: ${event}\ndata: ${json}\n\n`;
}

/** A comment, which clients skip: a sign of life. */
export function encodeSseComment(text: string): string {
  return `: ${text}\n\n`;
}

export interface SseEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  /** The `data` lines, joined with line feeds. */
  readonly data: string;
  /** The last `id` of the stream so far. */
  readonly id: string;
}

/** Raised for a line or an event that is larger than the decoder may hold. */
export class SseError extends Error {
  override readonly name = "SseError";
}

export interface SseDecoderOptions {
  /** Bound on one event's data and on one line, in UTF-16 units. */
  readonly maxEventChars?: number;
}

const DEFAULT_MAX_EVENT_CHARS = 32 * 1024 * 1024;

/** Events out of bytes that may be cut anywhere; an event that no blank line ends is dropped, as the standard says. */
export class SseDecoder {
  readonly #maxEventChars: number;
  /** Drops a byte order mark at the start, and joins characters that are cut. */
  readonly #text = new TextDecoder();
  #line = "";
  #afterReturn = false;
  #event = "";
  #data: string[] = [];
  #dataChars = 0;
  #id = "";

  constructor(options: SseDecoderOptions = {}) {
    this.#maxEventChars = options.maxEventChars ?? DEFAULT_MAX_EVENT_CHARS;
  }

  /** The events that these bytes complete; throws `SseError` when an event or a line is too large. */
  push(chunk: Uint8Array): SseEvent[] {
    let text = this.#text.decode(chunk, { stream: true });
    if (this.#afterReturn && text !== "") {
      // CR and LF of one line end may come in two chunks.
      if (text.startsWith("\n")) text = text.slice(1);
      this.#afterReturn = false;
    }
    if (text.endsWith("\r")) this.#afterReturn = true;
    const lines = text.split(/\r\n|\n|\r/);
    const rest = lines.pop() ?? "";
    const events: SseEvent[] = [];
    for (const line of lines) {
      const event = this.#take(this.#line + line);
      this.#line = "";
      if (event !== undefined) events.push(event);
    }
    this.#line += rest;
    this.#bound(this.#line.length);
    return events;
  }

  #bound(chars: number): void {
    if (chars > this.#maxEventChars) {
      throw new SseError(`Cannot decode server-sent event: it exceeds ${this.#maxEventChars} characters`);
    }
  }

  #take(line: string): SseEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") {
      this.#dataChars += value.length;
      this.#bound(this.#dataChars);
      this.#data.push(value);
    } else if (field === "event") {
      this.#event = value;
    } else if (field === "id" && !value.includes("\0")) {
      this.#id = value;
    }
    return undefined;
  }

  #dispatch(): SseEvent | undefined {
    const event: SseEvent | undefined = this.#data.length === 0
      ? undefined
      : { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    this.#event = "";
    this.#data = [];
    this.#dataChars = 0;
    return event;
  }
}
