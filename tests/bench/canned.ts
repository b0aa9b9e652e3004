/** The responses of the benchmark's upstream, made once: Bedrock's JSON, and event streams of 200 text deltas. */

import { Buffer } from "node:buffer";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { encodeFrame } from "../../lib/codec/eventstream.ts";

/** Text deltas in one stream, in addition to the few events before and after them. */
export const STREAM_DELTAS = 200;

const USAGE = { inputTokens: 259, outputTokens: STREAM_DELTAS, totalTokens: 259 + STREAM_DELTAS };

const CONVERSE_ANSWER = {
  metrics: { latencyMs: 512 },
  output: { message: { role: "assistant", content: [{ text: "The tests pass. ".repeat(40) }] } },
  stopReason: "end_turn",
  usage: USAGE,
};

const MESSAGE_HEAD = {
  id: "msg_bdrk_01Bench",
  type: "message",
  role: "assistant",
  model: "claude-haiku-4-5-20251001",
  stop_sequence: null,
  usage: { input_tokens: 259, output_tokens: 1 },
};

const INVOKE_ANSWER = {
  ...MESSAGE_HEAD,
  content: [{ type: "text", text: "The tests pass. ".repeat(40) }],
  stop_reason: "end_turn",
};

export type StreamKind = "converse" | "invoke";

/** The frames of one stream: those before the deltas, each delta, and those after them. */
export interface CannedStream {
  readonly opening: readonly Buffer[];
  /** The frame of a delta with the text. */
  readonly delta: (text: string) => Buffer;
  readonly closing: readonly Buffer[];
}

export const STREAMS: Readonly<Record<StreamKind, CannedStream>> = {
  converse: {
    opening: [frame("messageStart", { role: "assistant" })],
    delta: (text) => frame("contentBlockDelta", { contentBlockIndex: 0, delta: { text } }),
    closing: [
      frame("contentBlockStop", { contentBlockIndex: 0 }),
      frame("messageStop", { stopReason: "end_turn" }),
      frame("metadata", { usage: USAGE, metrics: { latencyMs: 512 } }),
    ],
  },
  invoke: {
    opening: [
      invokeFrame({ type: "message_start", message: { ...MESSAGE_HEAD, content: [], stop_reason: null } }),
      invokeFrame({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ],
    delta: (text) =>
      invokeFrame({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
    closing: [
      invokeFrame({ type: "content_block_stop", index: 0 }),
      invokeFrame({
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: { output_tokens: STREAM_DELTAS },
      }),
      invokeFrame({
        type: "message_stop",
        "amazon-bedrock-invocationMetrics": {
          inputTokenCount: 259,
          outputTokenCount: STREAM_DELTAS,
          invocationLatency: 512,
          firstByteLatency: 128,
        },
      }),
    ],
  },
};

/** The bodies of whole responses. */
export const ANSWERS: Readonly<Record<StreamKind, Buffer>> = {
  converse: jsonBytes(CONVERSE_ANSWER),
  invoke: jsonBytes(INVOKE_ANSWER),
};

/** The frames of a whole stream, in order. */
export function wholeStream({ opening, delta, closing }: CannedStream): readonly Buffer[] {
  const deltas = Array.from({ length: STREAM_DELTAS }, (_, index) => delta(` word${index}`));
  return [...opening, ...deltas, ...closing];
}

function invokeFrame(payload: unknown): Buffer {
  return frame("chunk", { bytes: jsonBytes(payload).toString("base64") });
}

function frame(event: string, payload: unknown): Buffer {
  const headers = { ":event-type": event, ":content-type": "application/json", ":message-type": "event" };
  return Buffer.from(encodeFrame(headers, encodeUtf8(JSON.stringify(payload))));
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
