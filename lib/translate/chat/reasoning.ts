/** Chat Completions -> Converse: `thinking` and `reasoning_effort`, and the fields they exclude. */

import { invalidField } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ToolChoice } from "../../wire/bedrock/converse.ts";
import type { ChatRequest } from "../../wire/openai/chat.ts";
import type { ChatMessage, ThinkingBlock } from "../../wire/openai/chat_messages.ts";
import { activeThinking } from "../converse/members.ts";
import type { FieldsContext } from "../converse/members.ts";

/** Room for the response after the thinking budget if the caller sets no limit. */
const ANSWER_TOKENS = 4096;

/** Members for `additionalModelRequestFields`; what the model does not support is listed as ignored. */
export function reasoningFields(request: ChatRequest, { traits, ignored }: FieldsContext): JsonObject {
  const { reasoningEffort: effort, thinking } = request;
  const byEffort = effort === undefined ? {} : possible(traits.reasoningEffort.get(effort), request);
  if (byEffort === undefined) ignored.add("reasoning_effort");
  if (thinking === undefined) return byEffort ?? {};
  const byThinking = traits.thinkingTypes.size > 0
    ? possible({ thinking: thinking.value }, request)
    : undefined;
  if (byThinking === undefined) ignored.add("thinking");
  // The caller's `thinking` overrides the effort.
  return { ...byEffort, ...byThinking };
}

/**
 * The fields, unless the model would refuse the request because of them: with a thinking budget, the assistant
 * message whose tools have just run must begin with thinking, and many clients do not send it back.
 */
function possible(fields: JsonObject | undefined, { messages }: ChatRequest): JsonObject | undefined {
  const hasBudget = activeThinking(fields ?? {})?.budget_tokens !== undefined;
  return hasBudget && hasLostThoughts(messages) ? undefined : fields;
}

/** Whether the last assistant turn calls tools, their results follow, and it does not begin with thinking. */
function hasLostThoughts(messages: readonly ChatMessage[]): boolean {
  const spoken = messages.filter(({ role }) => role !== "system");
  const last = spoken.findLastIndex(({ role }) => role === "assistant");
  if (spoken[last + 1]?.role !== "tool") return false;
  const before = spoken.slice(0, last).findLastIndex(({ role }) => role !== "assistant");
  const first = spoken[before + 1];
  return first?.role === "assistant" && !first.thinking.some(isSigned);
}

function isSigned(block: ThinkingBlock): boolean {
  return block.type === "redacted_thinking" || block.signature !== undefined;
}

export interface ThinkingLimits {
  readonly traits: ModelTraits;
  /** The result of `activeThinking`: the caller's or the operator's. */
  readonly thinking: JsonObject | undefined;
  readonly maxTokens: number | undefined;
  readonly toolChoice: ToolChoice | undefined;
  readonly hasStructuredTool: boolean;
}

/**
 * Checks the rules of thinking models and returns the `maxTokens` to send: more than the budget, which is part of it
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html).
 */
export function limitThinking(request: ChatRequest, limits: ThinkingLimits): number | undefined {
  const { traits, thinking, maxTokens, toolChoice } = limits;
  if (thinking === undefined) return maxTokens;
  const { temperature, topK } = traits.sampling === "none" ? {} : request;
  if (temperature !== undefined && temperature !== 1) {
    throw invalidField("temperature", `not supported with thinking; remove it`);
  }
  if (topK !== undefined) {
    throw invalidField("top_k", `not supported with thinking; remove it`);
  }
  if (toolChoice !== undefined && !("auto" in toolChoice)) {
    throw limits.hasStructuredTool
      ? invalidField(
        "response_format",
        'this model does not support structured output with thinking; use "text"',
      )
      : invalidField("tool_choice", 'must be "auto" or "none" with thinking');
  }
  const budget = thinking.budget_tokens;
  if (typeof budget !== "number") return maxTokens;
  if (maxTokens === undefined) return budget + ANSWER_TOKENS;
  if (maxTokens > budget) return maxTokens;
  if (request.thinking === undefined) return budget + maxTokens;
  throw invalidField(
    "thinking.budget_tokens",
    `must be less than max_tokens (${maxTokens}), found ${budget}`,
  );
}
