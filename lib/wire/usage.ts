/** Token counts in the various forms that Bedrock and its models report. */

import { isJsonObject } from "../base/json.ts";
import type { JsonValue } from "../base/json.ts";
import type { Usage } from "../base/usage.ts";

/** The field of each count in a usage object. */
export type UsageNames = Readonly<Record<keyof Usage, string>>;

/** In `usage` of Converse (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html). */
export const CONVERSE_USAGE: UsageNames = {
  inputTokens: "inputTokens",
  outputTokens: "outputTokens",
  cacheReadTokens: "cacheReadInputTokens",
  cacheWriteTokens: "cacheWriteInputTokens",
};

/** In `usage` of Anthropic's answers and events. */
export const MESSAGES_USAGE: UsageNames = {
  inputTokens: "input_tokens",
  outputTokens: "output_tokens",
  cacheReadTokens: "cache_read_input_tokens",
  cacheWriteTokens: "cache_creation_input_tokens",
};

/** In the token counts that Bedrock adds to the last event of an InvokeModel stream. */
export const METRICS_USAGE: UsageNames = {
  inputTokens: "inputTokenCount",
  outputTokens: "outputTokenCount",
  cacheReadTokens: "cacheReadInputTokenCount",
  cacheWriteTokens: "cacheWriteInputTokenCount",
};

/**
 * The counts in `value`, defaulting to those known before and then to 0; undefined if nothing was ever reported.
 */
export function readUsage(
  value: JsonValue | undefined,
  names: UsageNames,
  before?: Usage,
): Usage | undefined {
  if (!isJsonObject(value)) return before;
  const count = (key: keyof Usage): number => readCount(value[names[key]]) ?? before?.[key] ?? 0;
  return {
    inputTokens: count("inputTokens"),
    outputTokens: count("outputTokens"),
    cacheReadTokens: count("cacheReadTokens"),
    cacheWriteTokens: count("cacheWriteTokens"),
  };
}

/** A token count; undefined if it is not a valid one. */
export function readCount(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
