/** Streams of events: typed events from the upstream, translated into the text of server-sent events. */

import { encodeUtf8 } from "../base/bytes.ts";
import { type AditError, toAditError } from "../base/errors.ts";
import type { Usage } from "../base/usage.ts";
import { unknownEvent } from "../translate/converse/anomalies.ts";
import type { EventStream } from "../providers/bedrock/event_stream.ts";
import type { Outcome, StreamAnswer } from "../gateway/outcome.ts";
import type { ByteSource } from "../server/stream.ts";

/** A translation of one stream; its texts are whole server-sent events. */
export interface StreamTranslation<Event> {
  /** The text for an event, perhaps none. Throws `upstream_protocol` for one that cannot be. */
  push(event: Event): string;
  /** The text after the last event. */
  end(): string;
  /** The text that tells of the error, after which nothing follows. */
  fail(error: AditError): string;
  readonly usage: Usage | undefined;
  readonly stopReason: string | undefined;
  readonly anomalies: readonly string[];
}

export interface EventAnswerOptions<Event> {
  readonly events: EventStream<Event>;
  readonly translation: StreamTranslation<Event>;
  /** What the dialect has for a silence. */
  readonly ping: string;
}

/** The answer to a request that asked for a stream, whose first events are there. */
export function eventAnswer<Event>(options: EventAnswerOptions<Event>): StreamAnswer {
  const headers = new Headers({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    // Asks nginx in front of the gateway to pass on what it gets at once.
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
  readonly ping: Uint8Array<ArrayBuffer>;
  readonly #options: EventAnswerOptions<Event>;
  #ended = false;
  #failure: AditError | undefined;

  constructor(options: EventAnswerOptions<Event>) {
    this.#options = options;
    this.ping = encodeUtf8(options.ping);
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (!this.#ended) {
      if (this.#failure !== undefined) throw this.#failure;
      const batch = await this.#options.events.next();
      const text = batch === undefined ? this.#end() : this.#translate(batch);
      if (text !== "") return encodeUtf8(text);
    }
    return undefined;
  }

  failure(error: AditError): Uint8Array<ArrayBuffer> {
    return encodeUtf8(this.#options.translation.fail(error));
  }

  #end(): string {
    this.#ended = true;
    return this.#options.translation.end();
  }

  /** The text of a batch; a failure in it is kept until the text before it has been sent. */
  #translate(batch: readonly Event[]): string {
    let text = "";
    try {
      for (const event of batch) text += this.#options.translation.push(event);
    } catch (cause) {
      this.#failure = toAditError(cause);
    }
    return text;
  }
}
