/** Token counts as Chat Completions tells them. */

import type { Usage } from "../../base/usage.ts";
import type { ChatUsage } from "../../wire/openai/completion.ts";

/** Bedrock leaves cached tokens out of its input tokens, OpenAI counts them in: so added up, the figures agree. */
export function chatUsage(usage: Usage): ChatUsage {
  const promptTokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: promptTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cacheReadTokens },
  };
}
