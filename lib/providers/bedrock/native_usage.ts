/**
 * Token counts of native responses, wherever Bedrock puts them: bodies, headers, or the last event of a stream.
 */

import { decodeUtf8 } from "../../base/bytes.ts";
import { isJsonObject, member } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { METRICS, parseChunk, unwrapChunk } from "../../wire/bedrock/invoke_stream.ts";
import { CONVERSE_USAGE, METRICS_USAGE, readUsage } from "../../wire/usage.ts";

/** The `usage` member of a Converse response or of a stream's `metadata` event. */
export function usageOfConverse(body: Uint8Array, headers: Headers | undefined): Usage | undefined {
  // A compressed response is for the caller to read.
  if (headers?.has("content-encoding")) return undefined;
  return readUsage(member(parse(decodeUtf8(body)), "usage"), CONVERSE_USAGE);
}

/** The token count headers of an InvokeModel response. */
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
 * The last chunk of an InvokeModel stream: its usage, and whether the model had finished. Claude says so with
 * `message_stop`; for every family, the last chunk has Bedrock's metrics.
 */
export function invokeStreamEnd(payload: Uint8Array): { complete: boolean; usage: Usage | undefined } {
  const event = lastEvent(payload);
  const metrics = event?.[METRICS];
  return {
    complete: isJsonObject(metrics) || event?.type === "message_stop",
    usage: readUsage(metrics, METRICS_USAGE),
  };
}

function lastEvent(payload: Uint8Array): JsonObject | undefined {
  try {
    return parseChunk(unwrapChunk(payload));
  } catch {
    return undefined;
  }
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function count(header: string | null): number {
  const number = Number(header ?? 0);
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}
