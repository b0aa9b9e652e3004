/** Event streams to viewers: limited in number, and never waited for. */

import type { Deadline, TimerWheel } from "../../base/clock.ts";
import { encodeUtf8 } from "../../base/bytes.ts";
import { json } from "../answer.ts";

/** The next server-sent events for one viewer; undefined if there is nothing new. */
export type Feed = () => string | undefined | Promise<string | undefined>;

export interface FeedOptions {
  readonly everyMs: number;
  /** Whether the viewer still has access; the key may have changed. */
  readonly isAllowed: () => boolean;
}

/** Maximum number of open streams, of all views together. */
const MAX_VIEWERS = 16;
/** A viewer that reads nothing for this long is disconnected. */
const STUCK_MS = 30_000;
/** A comment is sent after this long, to detect lost connections. */
const SILENCE_MS = 15_000;

/** All open streams. A viewer that does not keep up misses events. */
export class Viewers {
  readonly #timers: TimerWheel;
  readonly #open = new Set<Viewer>();

  constructor(timers: TimerWheel) {
    this.#timers = timers;
  }

  get size(): number {
    return this.#open.size;
  }

  /** An event stream, or a refusal if there are too many. */
  open(feed: Feed, options: FeedOptions): Response {
    if (this.#open.size >= MAX_VIEWERS) {
      return json(429, { error: `there are already ${MAX_VIEWERS} viewers; close one and retry` }, {
        "retry-after": "5",
      });
    }
    const viewer = new Viewer({
      feed,
      timers: this.#timers,
      onEnd: () => this.#open.delete(viewer),
      ...options,
    });
    this.#open.add(viewer);
    return new Response(viewer.body, {
      status: 200,
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  }

  /** Ends all streams, so that the listener can be closed. */
  close(): void {
    for (const viewer of [...this.#open]) viewer.end();
  }
}

interface ViewerOptions extends FeedOptions {
  readonly feed: Feed;
  readonly timers: TimerWheel;
  readonly onEnd: () => void;
}

class Viewer {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #options: ViewerOptions;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #timer: Deadline | undefined;
  #sentMs: number;
  #readyMs: number;

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.#readyMs = this.#sentMs = options.timers.clock.monotonic();
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        void this.#turn();
      },
      cancel: () => this.#forget(),
    }, { highWaterMark: 1 });
  }

  end(): void {
    const controller = this.#controller;
    this.#forget();
    controller?.close();
  }

  async #turn(): Promise<void> {
    const { timers, everyMs, isAllowed, feed } = this.#options;
    const nowMs = timers.clock.monotonic();
    if (!isAllowed()) return this.end();
    if ((this.#controller?.desiredSize ?? 0) > 0) {
      this.#readyMs = nowMs;
      const text = await textOf(feed);
      // The viewer may have left meanwhile.
      if (this.#controller === undefined) return;
      if (text !== undefined) this.#send(text, nowMs);
      else if (nowMs - this.#sentMs >= SILENCE_MS) this.#send(":\n\n", nowMs);
    } else if (nowMs - this.#readyMs >= STUCK_MS) {
      const controller = this.#controller;
      this.#forget();
      controller?.error(new Error("The viewer has stopped reading"));
      return;
    }
    this.#timer = timers.after(everyMs, () => void this.#turn());
  }

  #send(text: string, nowMs: number): void {
    this.#sentMs = nowMs;
    this.#controller?.enqueue(encodeUtf8(text));
  }

  #forget(): void {
    this.#controller = undefined;
    this.#timer?.cancel();
    this.#options.onEnd();
  }
}

/** Undefined if the view fails; the next turn tries again. */
async function textOf(feed: Feed): Promise<string | undefined> {
  try {
    return await feed();
  } catch {
    return undefined;
  }
}

/** A server-sent event with a value as JSON. */
export function eventText(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
