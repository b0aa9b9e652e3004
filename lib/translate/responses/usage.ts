/** Token counts as Responses reports them. */

import type { Usage } from "../../base/usage.ts";
import type { ResponseUsage } from "../../wire/openai/responses_answer.ts";

/** Bedrock's input tokens exclude cached tokens, OpenAI's include them, so the counts are added up. */
export function responsesUsage(usage: Usage): ResponseUsage {
  const inputTokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  return {
    input_tokens: inputTokens,
    input_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
    output_tokens: usage.outputTokens,
    // Bedrock counts them as output and does not say how many there are.
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + usage.outputTokens,
  };
}
