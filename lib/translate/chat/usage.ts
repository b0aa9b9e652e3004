/** Token counts as Chat Completions reports them. */

import type { Usage } from "../../base/usage.ts";
import type { ChatUsage } from "../../wire/openai/completion.ts";

/** Bedrock's input tokens exclude cached tokens, OpenAI's include them, so the counts are added up. */
export function chatUsage(usage: Usage): ChatUsage {
  const promptTokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: promptTokens + usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
  };
}
