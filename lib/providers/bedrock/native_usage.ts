/**
 * Token counts of native responses, wherever Bedrock puts them: bodies, headers, or the last event of a stream.
 */

import { decodeUtf8 } from "../../base/bytes.ts";
import { isJsonObject, member } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { guardrailUsage, withTracedUnits } from "../../wire/bedrock/guardrail_units.ts";
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
export function usageOfConverse(body: Uint8Array, headers: Headers | undefined): Usage | undefined {
  // A compressed response is for the caller to read.
  if (headers?.has("content-encoding")) return undefined;
  return usageInConverse(parsedBody(body));
}

/** The same in a body that has been parsed. */
export function usageInConverse(answer: JsonValue | undefined): Usage | undefined {
  const counted = withTier(readUsage(member(answer, "usage"), CONVERSE_USAGE), converseTier(answer));
  return withTracedUnits(counted, member(answer, "trace"));
}

/**
 * Maximum size of an InvokeModel body that is parsed for what its headers do not say; without a header, the body is read
 * whatever its size, to count the images in it.
 */
const MAX_READ_BYTES = 1024 * 1024;

/** The counts of an InvokeModel response: in its headers, and what only the body has, such as writes for an hour. */
export function usageOfInvoke(headers: Headers, body: Uint8Array): Usage | undefined {
  const counted = usageOfHeaders(headers);
  const isRead = !headers.has("content-encoding") && (counted === undefined || body.length <= MAX_READ_BYTES);
  const usage = isRead ? invokeUsage(parsedBody(body), counted) : counted;
  return withTier(usage, invokeTier(headers));
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

/** Whether the model had finished with this last chunk of an InvokeModel stream, and what its metrics count. */
export function invokeStreamEnd(payload: Uint8Array): { complete: boolean; usage: Usage | undefined } {
  const event = parsedChunk(payload);
  const metrics = event?.[METRICS];
  return {
    // Claude says so with `message_stop`; for every family, the last chunk has Bedrock's metrics.
    complete: isJsonObject(metrics) || event?.type === "message_stop",
    usage: readUsage(metrics, METRICS_USAGE),
  };
}

/**
 * The counts in some chunks of an InvokeModel stream, in order: the families' own, which a stream that broke off has, too,
 * and Bedrock's metrics. All are cumulative.
 */
export function usageOfChunks(payloads: readonly Uint8Array[]): Usage | undefined {
  return payloads.map(parsedChunk).reduce<Usage | undefined>(
    (usage, event) => readUsage(event?.[METRICS], METRICS_USAGE, invokeUsage(event, usage)),
    undefined,
  );
}

/** The counts in a body or chunk of any family, and what its guardrail reports. */
function invokeUsage(body: JsonValue | undefined, before: Usage | undefined): Usage | undefined {
  return withTracedUnits(familyUsage(body, before), member(body, INVOKE_TRACE));
}

/** The usage that a guardrail reports when it is called by itself. */
export function usageOfGuardrail(headers: Headers, body: Uint8Array): Usage | undefined {
  return headers.has("content-encoding") ? undefined : guardrailUsage(parsedBody(body));
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
