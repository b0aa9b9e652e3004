/** Token counts as OpenAI's Chat Completions and Responses report them. */

import { type JsonValue, member } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { readCount } from "../usage.ts";

/** The counts in a `usage` object of either API; undefined if it has none. */
export function readOpenAiUsage(usage: JsonValue | undefined): Usage | undefined {
  const read = (name: string, older: string) => readCount(member(usage, name) ?? member(usage, older));
  const inputTokens = read("input_tokens", "prompt_tokens");
  const outputTokens = read("output_tokens", "completion_tokens");
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const details = member(usage, "input_tokens_details") ?? member(usage, "prompt_tokens_details");
  // OpenAI's input tokens include those read from the cache and written to it.
  const whole = inputTokens ?? 0;
  const cacheReadTokens = Math.min(readCount(member(details, "cached_tokens")) ?? 0, whole);
  const uncached = whole - cacheReadTokens;
  const cacheWriteTokens = Math.min(readCount(member(details, "cache_write_tokens")) ?? 0, uncached);
  const produced = member(usage, "output_tokens_details") ?? member(usage, "completion_tokens_details");
  const reasoningTokens = readCount(member(produced, "reasoning_tokens")) ?? 0;
  return {
    inputTokens: uncached - cacheWriteTokens,
    outputTokens: outputTokens ?? 0,
    cacheReadTokens,
    cacheWriteTokens,
    ...(reasoningTokens > 0 && { reasoningTokens }),
  };
}
