/** `POST /model/{id}/…`: Bedrock's own API, its bytes untouched in both directions. */

import { type AditError, errorRow } from "../base/errors.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import { encodeFrame } from "../codec/eventstream.ts";
import { type NativeAnswer, NativeStream, readNative } from "../upstream/native.ts";
import type { Operation } from "../upstream/upstream.ts";
import { resolveNative } from "../routing/resolve.ts";
import type { Call } from "./call.ts";
import type { Answer, ModelRequest } from "./endpoint.ts";
import type { ByteSource } from "./stream.ts";

export interface NativeCall {
  readonly operation: Operation;
  /** Model id, ARN or configured name, as it stood in the path, decoded. */
  readonly id: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A native request; nothing of it is read but its address. */
export function nativeRequest({ operation, id, headers, body }: NativeCall): ModelRequest {
  return {
    plan: (caller, snapshot) => resolveNative(id, caller, snapshot),
    async attempt(target, call) {
      const exchange = call.open(target, { operation, body, headers: forwardedHeaders(headers) });
      const head = await exchange.head();
      call.upstreamRequestId = head.headers.get("x-amzn-requestid") ?? undefined;
      const streams = operation === "converseStream" || operation === "invokeStream";
      if (streams && head.status === 200) {
        const stream = new NativeStream(exchange, head, operation);
        return { status: 200, headers: answerHeaders(head.headers), body: new NativeSource(stream, call) };
      }
      return wholeAnswer(await readNative(exchange, operation), call);
    },
  };
}

function wholeAnswer({ head, body, usage, error }: NativeAnswer, call: Call): Answer {
  call.usage = usage;
  call.refusal = error;
  return { status: head.status, headers: answerHeaders(head.headers), body };
}

/** Bedrock's own request headers, and those that say what the body is. All others are the caller's connection's. */
function forwardedHeaders(headers: Headers): Headers {
  const forwarded = new Headers();
  for (const [name, value] of headers) {
    if (FORWARDED.has(name) || name.startsWith("x-amzn-bedrock-")) forwarded.set(name, value);
  }
  return forwarded;
}

const FORWARDED: ReadonlySet<string> = new Set(["accept", "content-type", "content-encoding"]);

/** The upstream's headers without those that belong to its connection; this listener writes its own. */
function answerHeaders(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of HOP_BY_HOP) kept.delete(name);
  return kept;
}

const HOP_BY_HOP = [
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
] as const;

class NativeSource implements ByteSource {
  /** Whatever is written into an event stream is a frame, and Bedrock has none that means nothing. */
  readonly ping = undefined;

  constructor(private readonly stream: NativeStream, private readonly call: Call) {}

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.stream.next();
    this.call.usage = this.stream.usage;
    this.call.refusal = this.stream.exception;
    return bytes;
  }

  failure(error: AditError): Uint8Array<ArrayBuffer> {
    const exception = errorRow(error.kind).bedrock;
    const name = STREAM_EXCEPTIONS.has(exception) ? exception : "InternalServerException";
    return encodeFrame({
      ":exception-type": name.charAt(0).toLowerCase() + name.slice(1),
      ":content-type": "application/json",
      ":message-type": "exception",
    }, encodeUtf8(JSON.stringify({ message: error.message })));
  }
}

/** The exceptions that Bedrock's stream unions know; SDKs would not raise another by its type. */
const STREAM_EXCEPTIONS: ReadonlySet<string> = new Set([
  "InternalServerException",
  "ModelStreamErrorException",
  "ServiceUnavailableException",
  "ThrottlingException",
  "ValidationException",
]);
