/** Native answers: Bedrock's own bytes, passed on as they are and read on the side for usage and a proper end. */

import { concat, EMPTY } from "../../base/bytes.ts";
import { AditError, toAditError } from "../../base/errors.ts";
import type { Usage } from "../../base/usage.ts";
import { EventStreamError, type Frame, FrameDecoder } from "../../codec/eventstream.ts";
import { MAX_ANSWER_BYTES, requestIdOf } from "./answer.ts";
import { classifyFrame, classifyResponse } from "./classify.ts";
import { FORGIVEN_AT_THE_END } from "./event_stream.ts";
import type { Exchange, Head } from "../transport/exchange.ts";
import { stopReasonOfChunks, stopReasonOfConverse, stopReasonOfInvoke } from "./native_stop.ts";
import { invokeStreamEnd, usageOfConverse, usageOfHeaders } from "./native_usage.ts";
import { type Operation, operationRow } from "./operations.ts";

/** An answer that came whole: a success without a stream, or any refusal. */
export interface NativeAnswer {
  readonly head: Head;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly usage: Usage | undefined;
  /** Bedrock's own word, where the operation's answers have one that is known here. */
  readonly stopReason: string | undefined;
  /** What a refusal means, for the log: the caller gets it unchanged. */
  readonly error: AditError | undefined;
}

/** Reads a native answer whole, so that one that breaks off still becomes an error status. */
export async function readNative(exchange: Exchange, operation: Operation): Promise<NativeAnswer> {
  const head = await exchange.head();
  const body = await exchange.readAll(MAX_ANSWER_BYTES);
  if (head.status !== 200) {
    const error = classifyResponse(head.status, head.headers, body);
    return { head, body, usage: undefined, stopReason: undefined, error };
  }
  return { head, body, ...reportOf(operation, head, body), error: undefined };
}

/** What a success reports of itself. */
function reportOf(
  operation: Operation,
  { headers }: Head,
  body: Uint8Array,
): Pick<NativeAnswer, "usage" | "stopReason"> {
  // A compressed answer is the caller's to read.
  const isReadable = !headers.has("content-encoding");
  switch (operationRow(operation).usage) {
    case "body":
      return {
        usage: usageOfConverse(body, headers),
        stopReason: isReadable ? stopReasonOfConverse(body) : undefined,
      };
    case "headers":
      return {
        usage: usageOfHeaders(headers),
        stopReason: isReadable ? stopReasonOfInvoke(body) : undefined,
      };
    case "converse events":
    case "invoke events":
    case "none":
      return { usage: undefined, stopReason: undefined };
  }
}

/**
 * A native event stream, given on in whole frames: what breaks off inside a frame can then still be ended with an
 * exception frame, which the AWS SDKs raise, while they take a stream that merely stops for complete.
 */
export class NativeStream {
  readonly #exchange: Exchange;
  readonly #decoder = new FrameDecoder();
  readonly #requestId: string | undefined;
  /** Bytes of a frame whose end has not come. */
  #held: Uint8Array<ArrayBuffer>[] = [];
  #heldBytes = 0;
  #lastFrame: Frame | undefined;
  /** Payloads of the last chunks of an InvokeModel stream, one of which says why the model stopped. */
  #lastChunks: readonly Uint8Array[] = [];
  #stopReason: string | undefined;
  #stopped = false;
  usage: Usage | undefined;
  /** The exception frame that went by, if one did: the caller has it, the log wants it. */
  exception: AditError | undefined;

  constructor(exchange: Exchange, head: Head, private readonly operation: Operation) {
    this.#exchange = exchange;
    this.#requestId = requestIdOf(head);
  }

  /** Why the model stopped; known once it has said so. */
  get stopReason(): string | undefined {
    return this.#stopReason ?? stopReasonOfChunks(this.#lastChunks);
  }

  /** The next whole frames, or undefined after the last. Throws the AditError that broke the stream. */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      const chunk = await this.#readChunk();
      if (chunk === undefined) {
        this.#checkEnd();
        return undefined;
      }
      this.#look(chunk);
      const complete = this.#heldBytes + chunk.length - this.#decoder.pendingBytes;
      if (complete > 0) return this.#take(chunk, complete);
      this.#hold(chunk);
    }
  }

  async #readChunk(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return await this.#exchange.read();
    } catch (error) {
      if (FORGIVEN_AT_THE_END.has(toAditError(error).kind) && this.#isComplete()) return undefined;
      throw error;
    }
  }

  #hold(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  /** The first `complete` bytes of those held and the chunk; the rest is held. */
  #take(chunk: Uint8Array<ArrayBuffer>, complete: number): Uint8Array<ArrayBuffer> {
    const cut = complete - this.#heldBytes;
    const whole = concat([...this.#held, chunk.subarray(0, cut)], complete);
    this.#held = [];
    this.#heldBytes = 0;
    this.#hold(chunk.subarray(cut));
    return whole;
  }

  #look(chunk: Uint8Array<ArrayBuffer>): void {
    try {
      for (const frame of this.#decoder.push(chunk)) this.#lookAt(frame);
    } catch (cause) {
      const error = new AditError("upstream_protocol", undefined, { cause });
      this.#exchange.end(error);
      throw error;
    }
  }

  #lookAt(frame: Frame): void {
    const event = frame.headers.get(":event-type");
    this.#lastFrame = frame;
    if (event === "messageStop") {
      this.#stopped = true;
      this.#stopReason = stopReasonOfConverse(frame.payload);
    }
    if (event === "metadata") this.usage = usageOfConverse(frame.payload, undefined);
    if (event === "chunk") this.#lastChunks = [...this.#lastChunks.slice(-2), frame.payload];
    this.exception ??= classifyFrame(frame, this.#requestId);
  }

  /** Whether the stream has come to the end that its operation promises, or to Bedrock's own exception. */
  #isComplete(): boolean {
    if (this.exception !== undefined) return true;
    if (operationRow(this.operation).usage === "converse events") return this.#stopped;
    return this.#invokeEnd().complete;
  }

  #invokeEnd(): ReturnType<typeof invokeStreamEnd> {
    return invokeStreamEnd(this.#lastFrame?.payload ?? EMPTY);
  }

  /** Throws unless the answer is complete; what a frame behind it was cut off of is its accounting at most. */
  #checkEnd(): void {
    if (this.#isComplete()) {
      if (operationRow(this.operation).usage === "invoke events") this.usage = this.#invokeEnd().usage;
      return;
    }
    try {
      this.#decoder.end();
    } catch (cause) {
      const truncated = cause instanceof EventStreamError && cause.reason === "truncated";
      throw new AditError(truncated ? "stream_truncated" : "upstream_protocol", undefined, { cause });
    }
    throw new AditError("stream_truncated");
  }
}
