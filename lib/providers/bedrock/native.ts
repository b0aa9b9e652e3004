/** Native responses: Bedrock's own bytes passed through unchanged, and read on the side for usage and completeness. */

import { concat, EMPTY } from "../../base/bytes.ts";
import { AditError, toAditError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { encodeFrame, EventStreamError, type Frame, FrameDecoder } from "../../codec/eventstream.ts";
import { MAX_ANSWER_BYTES, requestIdOf } from "./answer.ts";
import { classifyFrame, classifyResponse, isHtml } from "./classify.ts";
import { TOLERATED_AFTER_COMPLETION } from "./event_stream.ts";
import type { Exchange, Head } from "../transport/exchange.ts";
import { guardrailUsage } from "../../wire/bedrock/guardrail_units.ts";
import { stopReasonOfChunks, stopReasonOfConverse, stopReasonOfInvoke } from "./native_stop.ts";
import { isConverseContent } from "./converse.ts";
import { HeldBack, type Hold, type HoldableStream, holdBack } from "./hold.ts";
import { isContentChunk } from "./invoke.ts";
import {
  isLastChunk,
  parsedBody,
  usageOfChunks,
  usageOfConverse,
  usageOfHeaders,
  usageOfInvoke,
} from "./native_usage.ts";
import { type Operation, operationRow } from "./operations.ts";

/** A response that arrived whole: a success without a stream, or any error. */
export interface NativeAnswer {
  readonly head: Head;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly usage: Usage | undefined;
  /** Bedrock's own stop reason, for operations that have one. */
  readonly stopReason: string | undefined;
  /** The classified error, for the log; the caller gets the response unchanged. */
  readonly error: AditError | undefined;
}

/** Reads a native response whole, so that one that breaks off still becomes an error status. */
export async function readNative(exchange: Exchange, operation: Operation): Promise<NativeAnswer> {
  const head = await exchange.head();
  const body = await exchange.readAll(MAX_ANSWER_BYTES);
  if (head.status !== 200) {
    const error = classifyResponse(head.status, head.headers, body);
    if (!isErrorStatus(head.status)) throw error;
    return { head, body, usage: undefined, stopReason: undefined, error };
  }
  // AWS SDKs read an empty body as a response without content.
  if (body.length === 0 || isHtml(head.headers, body)) throw new AditError("upstream_protocol");
  const { usage, stopReason } = reportOf(operation, head, body);
  return { head, body, usage, stopReason, error: undefined };
}

/**
 * Whether it is the status of an error. Clients would follow a redirect with the caller's key, and read a 204 as a
 * response without content; Bedrock sends neither.
 */
function isErrorStatus(status: number): boolean {
  return status >= 400 && status <= 599;
}

/** A larger InvokeModel body contains images or vectors, and is only parsed if its headers have no counts. */
const MAX_READ_BYTES = 1024 * 1024;

/** The usage and the stop reason that a successful response reports. */
function reportOf(
  operation: Operation,
  { headers }: Head,
  body: Uint8Array,
): Pick<NativeAnswer, "usage" | "stopReason"> {
  // A compressed response is for the caller to read.
  const isCompressed = headers.has("content-encoding");
  const read = () => isCompressed ? undefined : parsedBody(body);
  switch (operationRow(operation).usage) {
    case "body": {
      const answer = read();
      if (!isCompressed && !isJsonObject(answer)) throw new AditError("upstream_protocol");
      return { usage: usageOfConverse(answer), stopReason: stopReasonOfConverse(answer) };
    }
    case "headers": {
      const isRead = body.length <= MAX_READ_BYTES || usageOfHeaders(headers) === undefined;
      const answer = isRead ? read() : undefined;
      return { usage: usageOfInvoke(headers, answer), stopReason: stopReasonOfInvoke(answer) };
    }
    case "guardrail units":
      return { usage: guardrailUsage(read()), stopReason: undefined };
    case "converse events":
    case "invoke events":
    case "none":
      return { usage: undefined, stopReason: undefined };
  }
}

/** How a native stream is opened. */
export interface NativeOpening {
  readonly head: Head;
  readonly operation: Operation;
  readonly hold: Hold | undefined;
  /** Replaces frames; undefined to pass all on unchanged. */
  readonly frames?: FrameReplacement | undefined;
}

/** Replaces frames before the caller gets them. */
export interface FrameReplacement {
  /** The frame in place of one with an exception. */
  exception(frame: Frame, error: AditError): Uint8Array<ArrayBuffer>;
  /** The payload in place of an event's; the same object to pass the frame on unchanged. */
  payload(event: unknown, payload: Frame["payload"]): Frame["payload"];
}

/** How many of the last chunks are kept; one of them contains the stop reason. */
const LAST_CHUNKS = 3;

/**
 * A native event stream, passed on in whole frames: after a failure inside a frame the stream can then still end with
 * an exception frame, which the AWS SDKs raise; they treat a stream that merely stops as complete.
 */
export class NativeStream implements HoldableStream<Uint8Array<ArrayBuffer>> {
  readonly #exchange: Exchange;
  readonly #decoder = new FrameDecoder();
  readonly #requestId: string | undefined;
  readonly #operation: Operation;
  readonly #replacement: FrameReplacement | undefined;
  /** Bytes of an unfinished frame. */
  #rest: Uint8Array<ArrayBuffer>[] = [];
  #restBytes = 0;
  #held = new HeldBack<Uint8Array<ArrayBuffer>>([]);
  #lastFrame: Frame | undefined;
  /** Payloads of the last chunks of an InvokeModel stream. */
  readonly #lastChunks: Uint8Array[] = [];
  #stopReason: string | undefined;
  #stopped = false;
  /** The usage that Converse reports in its last event. */
  #usage: Usage | undefined;
  /** The first chunk of an InvokeModel stream, which has Claude's count of the prompt. */
  #firstChunk: Uint8Array | undefined;
  /** The exception frame that was passed on, if any, for the log. */
  exception: AditError | undefined;
  /** Whether a part of the content has arrived, or the end. */
  hasContent = false;
  frames = 0;
  bytes = 0;

  constructor(exchange: Exchange, { head, operation, frames }: NativeOpening) {
    this.#exchange = exchange;
    this.#requestId = requestIdOf(head);
    this.#operation = operation;
    this.#replacement = frames;
  }

  /** With `hold`, resolves when there is content. Throws an exception that precedes it. */
  static async open(exchange: Exchange, opening: NativeOpening): Promise<NativeStream> {
    const { hold, head } = opening;
    // Frames cannot be read, or an exception added to them, inside a compressed body; Bedrock does not compress streams.
    if (isHtml(head.headers, EMPTY) || head.headers.has("content-encoding")) {
      const error = new AditError("upstream_protocol");
      exchange.end(error);
      throw error;
    }
    const stream = new NativeStream(exchange, opening);
    if (hold === undefined) return stream;
    stream.#held = await holdBack(stream, hold);
    if (stream.exception === undefined || stream.hasContent) return stream;
    exchange.end(stream.exception);
    throw stream.exception;
  }

  /** As far as it was reported, even if the stream broke off. */
  get usage(): Usage | undefined {
    // The first chunk may still be among the last ones; counts are cumulative, so reading it twice adds nothing.
    return this.#firstChunk === undefined
      ? this.#usage
      : usageOfChunks([this.#firstChunk, ...this.#lastChunks]);
  }

  /** The stop reason; defined once the model has sent it. */
  get stopReason(): string | undefined {
    return this.#stopReason ?? stopReasonOfChunks(this.#lastChunks);
  }

  /** The next whole frames, or undefined after the last. Rejects with the AditError that broke the stream. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#held.next(this);
  }

  /** Like `next`, bypassing what is held back. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#exchange.read().then(this.#take, this.#lose);
  }

  // Made once, as in `EventStream`.
  readonly #take = (chunk: Uint8Array<ArrayBuffer> | undefined) => {
    if (chunk === undefined) return this.#end();
    this.bytes += chunk.length;
    const replaced = this.#look(chunk);
    if (replaced !== undefined) return replaced;
    const complete = this.#restBytes + chunk.length - this.#decoder.pendingBytes;
    if (complete > 0) return this.#cut(chunk, complete);
    this.#keep(chunk);
    return this.read();
  };

  readonly #lose = (error: unknown): undefined => {
    const isTolerated = TOLERATED_AFTER_COMPLETION.has(toAditError(error).kind) && this.#isComplete();
    if (!isTolerated) throw error;
  };

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
  }

  /** The first `complete` bytes of the held bytes and the chunk; the rest is held. */
  #cut(chunk: Uint8Array<ArrayBuffer>, complete: number): Uint8Array<ArrayBuffer> {
    const end = complete - this.#restBytes;
    if (this.#restBytes === 0 && end === chunk.length) return chunk;
    const whole = concat([...this.#rest, chunk.subarray(0, end)], complete);
    this.#rest = [];
    this.#restBytes = 0;
    this.#keep(chunk.subarray(end));
    return whole;
  }

  /** Returns the frames completed by the chunk if one of them must be replaced. */
  #look(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    try {
      const frames = this.#decoder.push(chunk);
      for (const frame of frames) this.#lookAt(frame);
      return this.#replaced(frames, chunk);
    } catch (cause) {
      const error = new AditError("upstream_protocol", undefined, { cause });
      this.#exchange.end(error);
      throw error;
    }
  }

  #replaced(frames: readonly Frame[], chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    const replacement = this.#replacement;
    if (replacement === undefined || frames.length === 0) return undefined;
    let isReplaced = this.exception !== undefined;
    const payloads = frames.map(({ headers, payload }) => {
      const shown = replacement.payload(headers.get(":event-type"), payload);
      if (shown !== payload) isReplaced = true;
      return shown;
    });
    if (!isReplaced) return undefined;
    const pieces = frames.map((frame, index) => {
      const error = classifyFrame(frame, this.#requestId);
      return error === undefined
        ? encodeFrame(frame.headers, payloads[index] ?? frame.payload)
        : replacement.exception(frame, error);
    });
    const { pendingBytes } = this.#decoder;
    this.#rest = [];
    this.#restBytes = 0;
    this.#keep(chunk.subarray(chunk.length - pendingBytes));
    return concat(pieces, pieces.reduce((total, { length }) => total + length, 0));
  }

  #lookAt(frame: Frame): void {
    const event = frame.headers.get(":event-type");
    this.#lastFrame = frame;
    if (event === "messageStop") {
      this.#stopped = true;
      this.#stopReason = stopReasonOfConverse(parsedBody(frame.payload));
    }
    if (event === "metadata") this.#usage = usageOfConverse(parsedBody(frame.payload));
    if (event === "chunk") {
      this.#firstChunk ??= frame.payload;
      if (this.#lastChunks.length === LAST_CHUNKS) this.#lastChunks.shift();
      this.#lastChunks.push(frame.payload);
    }
    this.exception ??= classifyFrame(frame, this.#requestId);
    this.frames++;
    // An exception ends the holding back, but is not content.
    if (!this.hasContent && this.exception === undefined && isContentFrame(event, frame)) {
      this.hasContent = true;
      this.#exchange.contentBegan();
    }
  }

  /** Whether the stream has reached the end that its operation defines, or an exception of Bedrock's. */
  #isComplete(): boolean {
    if (this.exception !== undefined) return true;
    if (operationRow(this.#operation).usage === "converse events") return this.#stopped;
    return isLastChunk(this.#lastFrame?.payload ?? EMPTY);
  }

  /** Throws unless the response is complete; a truncated frame after that only loses token counts. */
  #end(): undefined {
    if (this.#isComplete()) return;
    try {
      this.#decoder.end();
    } catch (cause) {
      const truncated = cause instanceof EventStreamError && cause.reason === "truncated";
      throw new AditError(truncated ? "stream_truncated" : "upstream_protocol", undefined, { cause });
    }
    throw new AditError("stream_truncated");
  }
}

function isContentFrame(event: unknown, { payload }: Frame): boolean {
  if (event !== "chunk") return isConverseContent(event);
  try {
    return isContentChunk(payload);
  } catch {
    return true;
  }
}
