/** Refusals of Nova's provider, in every operation. */

import { ModelRefusal } from "../server/exception.ts";
import type { Prompt } from "../model/prompt.ts";

/**
 * Throws `ModelRefusal` for limits together with the highest effort
 * (https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html).
 */
export function checkNovaPrompt({ thinking, maxTokens, temperature, topP, topK }: Prompt): void {
  if (thinking.kind !== "adaptive" || thinking.effort !== "high") return;
  const limits = Object.entries({ maxTokens, temperature, topP, topK });
  const [name] = limits.find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new ModelRefusal(
    `Malformed input request: ${name} cannot be used with maxReasoningEffort set to high, please reformat your input ` +
      "and try again.",
  );
}
