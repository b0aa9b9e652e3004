/** Converse and ConverseStream answers: one JSON value, or typed events batch by batch. */

import { decodeUtf8, EMPTY } from "../base/bytes.ts";
import { AditError, type ErrorKind, toAditError } from "../base/errors.ts";
import type { JsonValue } from "../base/json.ts";
import { EventStreamError, type Frame, FrameDecoder } from "../codec/eventstream.ts";
import { type ConverseEvent, parseConverseEvent } from "../wire/converse_stream.ts";
import { classifyFrame, classifyResponse, MAX_ERROR_BYTES } from "./classify.ts";
import type { Exchange, Head } from "./exchange.ts";

/** Bound on an answer that is read whole; Bedrock's own is 25 MB. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** After `messageStop` everything that the client is to see has come: an upstream lost then has lost the usage at most. */
const LOSES_USAGE_ONLY: ReadonlySet<ErrorKind> = new Set(["stream_truncated", "timeout"]);

/** The answer of Converse: JSON, not yet read any further. */
export interface ConverseAnswer {
  readonly value: JsonValue;
  readonly requestId: string | undefined;
}

export async function readConverse(exchange: Exchange): Promise<ConverseAnswer> {
  const head = await expectSuccess(exchange);
  const body = await exchange.readAll(MAX_ANSWER_BYTES);
  try {
    return { value: JSON.parse(decodeUtf8(body)), requestId: requestIdOf(head) };
  } catch {
    // The parser's own message quotes the answer, which no log may hold.
    throw new AditError("upstream_protocol");
  }
}

function requestIdOf(head: Head): string | undefined {
  return head.headers.get("x-amzn-requestid") ?? undefined;
}

/** Waits for the status, and throws what an error status stands for. */
async function expectSuccess(exchange: Exchange): Promise<Head> {
  const head = await exchange.head();
  if (head.status === 200) return head;
  throw classifyResponse(head.status, head.headers, await readErrorBody(exchange));
}

/** An error's body; reading it to its end gives the connection back. */
async function readErrorBody(exchange: Exchange): Promise<Uint8Array> {
  try {
    return await exchange.readAll(MAX_ERROR_BYTES);
  } catch {
    return EMPTY;
  }
}

/**
 * The events of a ConverseStream answer. A stream is opened only when its first events are there, so that an error
 * before them still becomes a status; it ends well only after `messageStop`.
 */
export class ConverseStream {
  readonly #exchange: Exchange;
  readonly #decoder = new FrameDecoder();
  readonly requestId: string | undefined;
  #ready: readonly ConverseEvent[] | undefined;
  #failure: AditError | undefined;
  #stopped = false;

  private constructor(exchange: Exchange, head: Head) {
    this.#exchange = exchange;
    this.requestId = requestIdOf(head);
  }

  /** Resolves with the first events in hand; throws an AditError if an error comes before them. */
  static async open(exchange: Exchange): Promise<ConverseStream> {
    const stream = new ConverseStream(exchange, await expectSuccess(exchange));
    stream.#ready = await stream.#read();
    return stream;
  }

  /** The events of the next chunk, or undefined after the last one. Throws the AditError that broke the stream. */
  next(): Promise<readonly ConverseEvent[] | undefined> {
    const ready = this.#ready;
    if (ready === undefined) return this.#read();
    this.#ready = undefined;
    return Promise.resolve(ready);
  }

  async #read(): Promise<readonly ConverseEvent[] | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const chunk = await this.#readChunk();
      if (chunk === undefined) {
        this.#checkEnd();
        return undefined;
      }
      const events = this.#decode(chunk);
      if (events.length > 0) return events;
    }
  }

  async #readChunk(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return await this.#exchange.read();
    } catch (error) {
      if (this.#stopped && LOSES_USAGE_ONLY.has(toAditError(error).kind)) return undefined;
      throw error;
    }
  }

  /** The events in a chunk; a failure among them is kept until the events before it have been delivered. */
  #decode(chunk: Uint8Array<ArrayBuffer>): ConverseEvent[] {
    const events: ConverseEvent[] = [];
    try {
      for (const frame of this.#decoder.push(chunk)) {
        const event = this.#readFrame(frame);
        if (event.type === "messageStop") this.#stopped = true;
        events.push(event);
      }
    } catch (error) {
      this.#failure = error instanceof AditError
        ? error
        : new AditError("upstream_protocol", undefined, { cause: error });
      this.#exchange.end(this.#failure);
    }
    return events;
  }

  #readFrame(frame: Frame): ConverseEvent {
    const error = classifyFrame(frame, this.requestId);
    if (error !== undefined) throw error;
    const type = frame.headers.get(":event-type");
    return parseConverseEvent(typeof type === "string" ? type : "", frame.payload);
  }

  #checkEnd(): void {
    if (this.#stopped) return;
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
