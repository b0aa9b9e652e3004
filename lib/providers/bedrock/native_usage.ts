/** Token counts of native responses, wherever Bedrock puts them: bodies, headers, or the last event of a stream. */

import { decodeUtf8 } from "../../base/bytes.ts";
import { isJsonObject, member } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { withTracedUnits } from "../../wire/bedrock/guardrail_units.ts";
import { INVOKE_TRACE, METRICS, parseChunk, unwrapChunk } from "../../wire/bedrock/invoke_stream.ts";
import {
  CONVERSE_USAGE,
  converseTier,
  familyUsage,
  invokeTier,
  METRICS_USAGE,
  readUsage,
  withTier,
} from "../../wire/usage.ts";

/** The `usage` member of a Converse response or of a stream's `metadata` event. */
export function usageOfConverse(answer: JsonValue | undefined): Usage | undefined {
  const counted = withTier(readUsage(member(answer, "usage"), CONVERSE_USAGE), converseTier(answer));
  return withTracedUnits(counted, member(answer, "trace"));
}

/**
 * The counts of an InvokeModel response: those in its headers, and those that only its body has, such as cache writes
 * for one hour.
 */
export function usageOfInvoke(headers: Headers, body: JsonValue | undefined): Usage | undefined {
  return withTier(invokeUsage(body, usageOfHeaders(headers)), invokeTier(headers));
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

/** Whether the model had finished with this last chunk of an InvokeModel stream. */
export function isLastChunk(payload: Uint8Array): boolean {
  const event = parsedChunk(payload);
  // Claude ends with `message_stop`; for every family, the last chunk has Bedrock's metrics.
  return isJsonObject(event?.[METRICS]) || event?.type === "message_stop";
}

/**
 * The counts in some chunks of an InvokeModel stream, in order: those of the model's family, which a stream that broke
 * off may have as well, and Bedrock's metrics. All are cumulative.
 */
export function usageOfChunks(payloads: readonly Uint8Array[]): Usage | undefined {
  return payloads.map(parsedChunk).reduce<Usage | undefined>(
    (usage, event) => readUsage(event?.[METRICS], METRICS_USAGE, invokeUsage(event, usage)),
    undefined,
  );
}

/** The counts in a body or chunk of any family, and the units of its guardrail. */
function invokeUsage(body: JsonValue | undefined, before: Usage | undefined): Usage | undefined {
  return withTracedUnits(familyUsage(body, before), member(body, INVOKE_TRACE));
}

function parsedChunk(payload: Uint8Array): JsonObject | undefined {
  try {
    return parseChunk(unwrapChunk(payload));
  } catch {
    return undefined;
  }
}

/** The JSON of a response; undefined if it is none. */
export function parsedBody(body: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(decodeUtf8(body));
  } catch {
    return undefined;
  }
}

function count(header: string | null): number {
  const number = Number(header ?? 0);
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}
