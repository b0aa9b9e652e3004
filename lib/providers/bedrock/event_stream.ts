/** Event streams: frames parsed into typed events, batch by batch, with an error where the stream breaks. */

import { AditError, type ErrorKind, toAditError } from "../../base/errors.ts";
import { EventStreamError, type Frame, FrameDecoder } from "../../codec/eventstream.ts";
import { expectSuccess, requestIdOf } from "./answer.ts";
import { classifyFrame } from "./classify.ts";
import { HeldBack, type Hold, type HoldableStream, holdBack } from "./hold.ts";
import type { Exchange, Head } from "../transport/exchange.ts";

/** Parses the events of one operation, and knows which of them complete a response. */
export interface EventReader<Event> {
  /** The event of a frame, or undefined if the operation has no such event. Throws `upstream_protocol`. */
  read(eventType: string, payload: Uint8Array<ArrayBuffer>): Event | undefined;
  /**
   * Whether the event is part of the response's content, or its end; an event that only announces it is not.
   */
  isContent(event: Event): boolean;
  /** Whether everything that the client should see has arrived. */
  isComplete(): boolean;
}

/** Maximum number of unknown events that are named. */
const MAX_UNKNOWN = 16;

/** If the upstream is lost after a complete response, at most its token counts are lost. */
export const TOLERATED_AFTER_COMPLETION: ReadonlySet<ErrorKind> = new Set(["stream_truncated", "timeout"]);

/**
 * The events of a stream. It opens once its first events have arrived, so that an earlier error still becomes a
 * status; it only ends normally after a complete response.
 */
export class EventStream<Event> implements HoldableStream<readonly Event[]> {
  readonly #exchange: Exchange;
  readonly #reader: EventReader<Event>;
  readonly #decoder = new FrameDecoder();
  readonly requestId: string | undefined;
  /** Names of the events that were skipped because the reader does not know them; the first few. */
  readonly unknownEvents: string[] = [];
  #held = new HeldBack<readonly Event[]>([]);
  /** Whether a part of the content has arrived, or the end. */
  hasContent = false;
  frames = 0;
  bytes = 0;
  #failure: AditError | undefined;

  private constructor(exchange: Exchange, reader: EventReader<Event>, head: Head) {
    this.#exchange = exchange;
    this.#reader = reader;
    this.requestId = requestIdOf(head);
  }

  /**
   * Resolves when the first events have arrived or, with `hold`, the first with content. Throws the AditError that
   * comes before that.
   */
  static async open<Event>(
    exchange: Exchange,
    reader: EventReader<Event>,
    hold?: Hold,
  ): Promise<EventStream<Event>> {
    const stream = new EventStream(exchange, reader, await expectSuccess(exchange));
    stream.#held = hold === undefined ? HeldBack.of(await stream.#first()) : await holdBack(stream, hold);
    return stream;
  }

  async #first(): Promise<readonly Event[] | undefined> {
    let first = await this.read();
    while (first?.length === 0) first = await this.read();
    return first;
  }

  /**
   * The events of the next chunk, perhaps none, or undefined after the last. Rejects with the AditError that broke the
   * stream.
   */
  next(): Promise<readonly Event[] | undefined> {
    return this.#held.next(this);
  }

  /** The events of the next chunk, bypassing what is held back; none if all its events are unknown. */
  read(): Promise<readonly Event[] | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#exchange.read().then(this.#take, this.#lose);
  }

  // Made once for an open stream: an async function for each chunk would allocate three times as many objects.
  readonly #take = (chunk: Uint8Array<ArrayBuffer> | undefined) => {
    if (chunk === undefined) return this.#end();
    this.bytes += chunk.length;
    const events = this.#decode(chunk);
    if (events.length === 0 && this.#failure !== undefined) throw this.#failure;
    return events;
  };

  readonly #lose = (error: unknown): undefined => {
    const isTolerated = TOLERATED_AFTER_COMPLETION.has(toAditError(error).kind) && this.#reader.isComplete();
    if (!isTolerated) throw error;
  };

  /** The events in a chunk; an error among them is kept until the events before it have been delivered. */
  #decode(chunk: Uint8Array<ArrayBuffer>): Event[] {
    const events: Event[] = [];
    try {
      for (const frame of this.#decoder.push(chunk)) {
        const event = this.#readFrame(frame);
        this.frames++;
        if (event === undefined) continue;
        events.push(event);
        if (!this.hasContent && this.#reader.isContent(event)) this.#noteContent();
      }
    } catch (error) {
      this.#failure = error instanceof AditError
        ? error
        : new AditError("upstream_protocol", undefined, { cause: error });
      this.#exchange.end(this.#failure);
    }
    return events;
  }

  #readFrame(frame: Frame): Event | undefined {
    const error = classifyFrame(frame, this.requestId);
    if (error !== undefined) throw error;
    const type = frame.headers.get(":event-type");
    const name = typeof type === "string" ? type : "";
    const event = this.#reader.read(name, frame.payload);
    if (event === undefined) this.#noteUnknown(name);
    return event;
  }

  #noteUnknown(name: string): void {
    if (this.unknownEvents.length < MAX_UNKNOWN && !this.unknownEvents.includes(name)) {
      this.unknownEvents.push(name);
    }
  }

  #noteContent(): void {
    this.hasContent = true;
    this.#exchange.contentBegan();
  }

  /** Throws unless the response is complete. */
  #end(): undefined {
    if (this.#reader.isComplete()) return;
    let cause: unknown;
    try {
      this.#decoder.end();
    } catch (error) {
      cause = error;
    }
    const kind = cause instanceof EventStreamError && cause.reason !== "truncated"
      ? "upstream_protocol"
      : "stream_truncated";
    throw new AditError(kind, undefined, { cause });
  }
}
