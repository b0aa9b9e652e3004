/** Streamed responses: typed events from the upstream, translated to server-sent events. */

import { encodeUtf8 } from "../base/bytes.ts";
import { type AditError, toAditError } from "../base/errors.ts";
import type { Usage } from "../base/usage.ts";
import { unknownEvent } from "../translate/converse/anomalies.ts";
import type { EventStream } from "../providers/bedrock/event_stream.ts";
import type { Outcome, StreamAnswer } from "../gateway/outcome.ts";
import type { ByteSource } from "../server/stream.ts";

/** The translation of one stream to complete server-sent events. */
export interface StreamTranslation<Event> {
  /** The text for an event, possibly empty. Throws `upstream_protocol` for an invalid one. */
  push(event: Event): string;
  /** The text after the last event. */
  end(): string;
  /** The text for an error, after which nothing follows. */
  fail(error: AditError): string;
  /** Whether the text so far contains everything that a client waits for. */
  readonly isDelivered: boolean;
  readonly usage: Usage | undefined;
  readonly stopReason: string | undefined;
  readonly anomalies: readonly string[];
}

/** The source of a response's events. */
export type EventSource<Event> = Pick<EventStream<Event>, "requestId" | "unknownEvents" | "next">;

export interface EventAnswerOptions<Event> {
  readonly events: EventSource<Event>;
  readonly translation: StreamTranslation<Event>;
  /** The dialect's ping, or a function that makes the next one. */
  readonly ping: string | (() => string);
}

/** The response to a streaming request, once the first events have arrived. */
export function eventAnswer<Event>(options: EventAnswerOptions<Event>): StreamAnswer {
  const headers = new Headers({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    // Makes nginx in front of the gateway pass data on without buffering.
    "x-accel-buffering": "no",
  });
  return {
    status: 200,
    headers,
    ignored: [],
    body: new EventText(options),
    outcome: () => outcomeOf(options),
  };
}

function outcomeOf<Event>({ events, translation }: EventAnswerOptions<Event>): Outcome {
  return {
    usage: translation.usage,
    stopReason: translation.stopReason,
    upstreamRequestId: events.requestId,
    anomalies: [...translation.anomalies, ...events.unknownEvents.map(unknownEvent)],
  };
}

/** One piece of text for each batch of events. */
class EventText<Event> implements ByteSource {
  readonly #events: EventSource<Event>;
  readonly #translation: StreamTranslation<Event>;
  readonly #ping: string | (() => string);
  #ended = false;
  #failure: AditError | undefined;

  constructor({ events, translation, ping }: EventAnswerOptions<Event>) {
    this.#events = events;
    this.#translation = translation;
    this.#ping = ping;
  }

  ping(): Uint8Array<ArrayBuffer> {
    const ping = this.#ping;
    return encodeUtf8(typeof ping === "string" ? ping : ping());
  }

  next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#events.next().then(this.#take);
  }

  // Made once, as in `EventStream`.
  readonly #take = (batch: readonly Event[] | undefined) => {
    const text = batch === undefined ? this.#end() : this.#translate(batch);
    return text === "" ? this.next() : encodeUtf8(text);
  };

  isDelivered(): boolean {
    return this.#ended || this.#translation.isDelivered;
  }

  failure(error: AditError): Uint8Array<ArrayBuffer> {
    return encodeUtf8(this.#translation.fail(error));
  }

  #end(): string {
    this.#ended = true;
    return this.#translation.end();
  }

  /** The text of a batch; an error in it is kept until the text before it has been sent. */
  #translate(batch: readonly Event[]): string {
    let text = "";
    try {
      for (const event of batch) text += this.#translation.push(event);
    } catch (cause) {
      this.#failure = toAditError(cause);
    }
    return text;
  }
}
