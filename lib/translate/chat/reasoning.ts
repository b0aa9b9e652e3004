/** Chat Completions -> Converse: `thinking` and `reasoning_effort`, and what they allow beside them. */

import { invalidField } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ToolChoice } from "../../wire/bedrock/converse.ts";
import type { ChatRequest } from "../../wire/openai/chat.ts";
import type { ChatMessage, ThinkingBlock } from "../../wire/openai/chat_messages.ts";
import { activeThinking } from "../converse/members.ts";
import type { FieldsContext } from "../converse/members.ts";

/** Room for the answer behind a thinking budget when the caller sets no limit. */
const ANSWER_TOKENS = 4096;

/** Members for `additionalModelRequestFields`; what the model cannot follow is ignored and named. */
export function reasoningFields(request: ChatRequest, { traits, ignored }: FieldsContext): JsonObject {
  const { reasoningEffort: effort, thinking } = request;
  const byEffort = effort === undefined ? {} : possible(traits.reasoningEffort.get(effort), request);
  if (byEffort === undefined) ignored.add("reasoning_effort");
  if (thinking === undefined) return byEffort ?? {};
  const byThinking = traits.thinkingTypes.size > 0
    ? possible({ thinking: thinking.value }, request)
    : undefined;
  if (byThinking === undefined) ignored.add("thinking");
  // The caller's own words about thinking go before the meaning of an effort.
  return { ...byEffort, ...byThinking };
}

/**
 * The fields, unless the model would refuse the request over them: with a budget for thinking, the message whose tools
 * have just run must begin with its thoughts, and many clients do not send them back.
 */
function possible(fields: JsonObject | undefined, { messages }: ChatRequest): JsonObject | undefined {
  const hasBudget = activeThinking(fields ?? {})?.budget_tokens !== undefined;
  return hasBudget && hasLostThoughts(messages) ? undefined : fields;
}

/** Whether the last assistant turn calls tools whose results are there, and does not begin with a thought. */
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
  /** What `activeThinking` gave: the caller's or the operator's. */
  readonly thinking: JsonObject | undefined;
  readonly maxTokens: number | undefined;
  readonly toolChoice: ToolChoice | undefined;
  readonly hasStructuredTool: boolean;
}

/**
 * Checks the rules of a thinking model and gives the `maxTokens` to send: above the budget, which is spent out of it
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html).
 */
export function limitThinking(request: ChatRequest, limits: ThinkingLimits): number | undefined {
  const { traits, thinking, maxTokens, toolChoice } = limits;
  if (thinking === undefined) return maxTokens;
  const { temperature, topK } = traits.sampling === "none" ? {} : request;
  if (temperature !== undefined && temperature !== 1) {
    throw invalidField("temperature", `expected none while thinking is on, found ${temperature}`);
  }
  if (topK !== undefined) {
    throw invalidField("top_k", `expected none while thinking is on, found ${topK}`);
  }
  if (toolChoice !== undefined && !("auto" in toolChoice)) {
    throw limits.hasStructuredTool
      ? invalidField(
        "response_format",
        'this model has no structured output while thinking is on: expected "text"',
      )
      : invalidField("tool_choice", 'expected "auto" or "none" while thinking is on');
  }
  const budget = thinking.budget_tokens;
  if (typeof budget !== "number") return maxTokens;
  if (maxTokens === undefined) return budget + ANSWER_TOKENS;
  if (maxTokens > budget) return maxTokens;
  if (request.thinking === undefined) return budget + maxTokens;
  throw invalidField(
    "thinking.budget_tokens",
    `expected less than max_tokens, which is ${maxTokens}, found ${budget}`,
  );
}
