/** Converse and ConverseStream answers: one JSON value, or typed events batch by batch. */

import { AditError, toAditError } from "../base/errors.ts";
import { decodeUtf8 } from "../base/bytes.ts";
import type { JsonValue } from "../base/json.ts";
import { EventStreamError, type Frame, FrameDecoder } from "../codec/eventstream.ts";
import { type ConverseEvent, parseConverseEvent } from "../wire/converse_stream.ts";
import { classifyException, classifyResponse } from "./classify.ts";
import type { Exchange, Head } from "./exchange.ts";

/** Bound on an answer that is read whole; Bedrock's own is 25 MB. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Bound on an error's body: one that is longer was not written by Bedrock. */
const MAX_ERROR_BYTES = 64 * 1024;

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
    return new Uint8Array(0);
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
      // Everything that the client is to see has come: a connection lost after that has lost the usage at most.
      if (this.#stopped && toAditError(error).kind === "stream_truncated") return undefined;
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
    const text = (name: string) => {
      const value = frame.headers.get(name);
      return typeof value === "string" ? value : undefined;
    };
    // Some real frames lack `:message-type`; what they are is told by the header that is there.
    const exception = text(":exception-type");
    if (exception !== undefined) {
      throw classifyException(exception, messageOf(frame.payload), this.requestId);
    }
    const code = text(":error-code");
    if (code !== undefined) throw classifyException(code, text(":error-message") ?? "", this.requestId);
    return parseConverseEvent(text(":event-type") ?? "", frame.payload);
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

function messageOf(payload: Uint8Array): string {
  try {
    const value: unknown = JSON.parse(decodeUtf8(payload));
    if (
      typeof value === "object" && value !== null && "message" in value && typeof value.message === "string"
    ) {
      return value.message;
    }
  } catch {
    // An exception without a readable message is still an exception.
  }
  return "";
}
