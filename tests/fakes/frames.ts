/** Frames as Bedrock writes them. */

import { Buffer } from "node:buffer";
import { concat, encodeUtf8 } from "../../lib/base/bytes.ts";
import { encodeFrame } from "../../lib/codec/eventstream.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export function eventFrame(type: string, payload: unknown): Bytes {
  return encodeFrame({
    ":event-type": type,
    ":content-type": "application/json",
    ":message-type": "event",
  }, encodeUtf8(JSON.stringify(payload)));
}

/** `name` begins with a lowercase letter, as on the wire. */
export function exceptionFrame(name: string, message: string): Bytes {
  return encodeFrame({
    ":exception-type": name,
    ":content-type": "application/json",
    ":message-type": "exception",
  }, encodeUtf8(JSON.stringify({ message, p: "abcdef" })));
}

/** An error that is not part of the operation's model. */
export function errorFrame(code: string, message: string): Bytes {
  return encodeFrame(
    { ":message-type": "error", ":error-code": code, ":error-message": message },
    encodeUtf8(""),
  );
}

/** The same frame with a wrong checksum. */
export function corrupt(frame: Bytes): Bytes {
  const copy = frame.slice();
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 0xff;
  return copy;
}

export const USAGE = { inputTokens: 7, outputTokens: 3, totalTokens: 10, cacheReadInputTokens: 2 };

/** The frames of a ConverseStream response, one delta for each text. */
export function converseFrames(...texts: readonly string[]): Bytes[] {
  return [
    eventFrame("messageStart", { p: "ab", role: "assistant" }),
    ...texts.map((text) =>
      eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text }, p: "abcd" })
    ),
    eventFrame("contentBlockStop", { contentBlockIndex: 0, p: "a" }),
    eventFrame("messageStop", { p: "abc", stopReason: "end_turn" }),
    eventFrame("metadata", { metrics: { latencyMs: 9 }, p: "abc", usage: USAGE }),
  ];
}

/** The whole response of Converse with the same content. */
export function converseAnswer(text: string) {
  return {
    metrics: { latencyMs: 9 },
    output: { message: { content: [{ text }], role: "assistant" } },
    stopReason: "end_turn",
    usage: USAGE,
  };
}

/** The frames of an InvokeModelWithResponseStream response, one for each of the model's own chunks. */
export function invokeFrames(...chunks: readonly unknown[]): Bytes[] {
  return chunks.map((chunk) =>
    eventFrame("chunk", { bytes: Buffer.from(JSON.stringify(chunk)).toString("base64"), p: "abc" })
  );
}

/** Claude's last chunk. */
export const CLAUDE_STOP = {
  type: "message_stop",
  "amazon-bedrock-invocationMetrics": {
    inputTokenCount: 7,
    outputTokenCount: 3,
    cacheReadInputTokenCount: 2,
  },
};

/** The bytes, cut after every `size` of them. */
export function cutEvery(size: number, bytes: Bytes): Bytes[] {
  const pieces: Bytes[] = [];
  for (let from = 0; from < bytes.length; from += size) pieces.push(bytes.slice(from, from + size));
  return pieces;
}

export function joined(...frames: readonly Bytes[]): Bytes {
  return concat(frames);
}
