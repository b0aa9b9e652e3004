/** Token counts out of native answers, wherever Bedrock puts them: bodies, headers, or the last event of a stream. */

import { Buffer } from "node:buffer";
import { decodeUtf8 } from "../base/bytes.ts";
import type { Usage } from "../base/usage.ts";

type Members = Readonly<Record<string, unknown>>;

/** The `usage` member of a Converse answer or of a stream's `metadata` event. */
export function usageOfConverse(body: Uint8Array, headers: Headers | undefined): Usage | undefined {
  // A compressed answer is the caller's to read.
  if (headers?.has("content-encoding")) return undefined;
  const usage = membersOf(membersOf(parse(decodeUtf8(body)))?.["usage"]);
  return usage === undefined ? undefined : {
    inputTokens: count(usage["inputTokens"]),
    outputTokens: count(usage["outputTokens"]),
    cacheReadTokens: count(usage["cacheReadInputTokens"]),
    cacheWriteTokens: count(usage["cacheWriteInputTokens"]),
  };
}

/** The token count headers of an InvokeModel answer. */
export function usageOfHeaders(headers: Headers): Usage | undefined {
  const read = (name: string) => headers.get(`x-amzn-bedrock-${name}-token-count`);
  const input = read("input");
  return input === null ? undefined : {
    inputTokens: count(input),
    outputTokens: count(read("output")),
    cacheReadTokens: count(read("cache-read-input")),
    cacheWriteTokens: count(read("cache-write-input")),
  };
}

/**
 * What the last chunk of an InvokeModel stream says: its usage, and whether the model had finished. Claude says so
 * by `message_stop`; every family's last chunk carries Bedrock's metrics.
 */
export function invokeStreamEnd(payload: Uint8Array): { complete: boolean; usage: Usage | undefined } {
  const encoded = membersOf(parse(decodeUtf8(payload)))?.["bytes"];
  const event = typeof encoded === "string" ? membersOf(parse(decodeUtf8(fromBase64(encoded)))) : undefined;
  const metrics = membersOf(event?.["amazon-bedrock-invocationMetrics"]);
  return {
    complete: metrics !== undefined || event?.["type"] === "message_stop",
    usage: metrics === undefined ? undefined : {
      inputTokens: count(metrics["inputTokenCount"]),
      outputTokens: count(metrics["outputTokenCount"]),
      cacheReadTokens: count(metrics["cacheReadInputTokenCount"]),
      cacheWriteTokens: count(metrics["cacheWriteInputTokenCount"]),
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
}

function count(value: unknown): number {
  const number = Number(value ?? 0);
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}

function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, "base64");
}
