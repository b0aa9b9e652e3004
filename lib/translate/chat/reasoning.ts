/** Chat Completions -> Converse: `thinking` and `reasoning_effort`, and the fields they affect. */

import { invalidField } from "../../base/errors.ts";
import { type JsonObject, NO_MEMBERS } from "../../base/json.ts";
import type { ChatRequest } from "../../wire/openai/chat.ts";
import type { ChatMessage } from "../../wire/openai/message_types.ts";
import type { ThinkingBlock } from "../../wire/openai/thinking.ts";
import { activeThinking } from "../converse/members.ts";
import type { FieldsContext } from "../converse/members.ts";
import { type BudgetLimits, limitWithBudget } from "../converse/thinking/budget.ts";
import { effortFields, effortOfBudget, shownThoughts } from "../converse/thinking/efforts.ts";
import { IgnoredFields } from "../converse/ignored.ts";
import { rulesOutThinking, withoutRefusedThinking } from "../converse/thinking/forced_calls.ts";
import { fitThinking } from "../converse/thinking/thinking.ts";
import type { ToolPlan } from "../converse/tools/tools.ts";

export interface ReasoningContext extends FieldsContext {
  readonly tools: Pick<ToolPlan, "isForced" | "structuredTool">;
  /** The token limit of the response; undefined if there is none. */
  readonly maxTokens: number | undefined;
}

/** Members for `additionalModelRequestFields`; fields that the model does not support are listed as ignored. */
export function reasoningFields(request: ChatRequest, context: ReasoningContext): JsonObject {
  const { traits } = context;
  const asked = request.thinking === undefined
    ? effortAlone(request, context)
    : thinkingAndEffort(request, request.thinking, context);
  const isUnasked = request.thinking === undefined && request.reasoningEffort === undefined;
  if (
    isUnasked && traits.thinksByDefault && rulesOutThinking(context) &&
    traits.thinkingTypes.has("disabled")
  ) {
    return { thinking: { type: "disabled" } };
  }
  return asked;
}

function effortAlone(request: ChatRequest, context: ReasoningContext): JsonObject {
  const { reasoningEffort: effort } = request;
  const { traits, ignored } = context;
  if (effort === undefined) return NO_MEMBERS;
  const found = effortFields(effort, traits);
  const isPossible = found !== undefined && !hasLostThoughts(found.fields, request) &&
    !(rulesOutThinking(context) && activeThinking(found.fields) !== undefined);
  if (!isPossible || found.isClamped) ignored.add("reasoning_effort");
  if (isPossible) return found.fields;
  return rulesOutThinking(context) && traits.thinksByDefault ? traits.reasoningEffort.get("none") ?? {} : {};
}

/** The caller's `thinking` overrides the effort, which is kept if both can be sent. */
function thinkingAndEffort(
  request: ChatRequest,
  thinking: NonNullable<ChatRequest["thinking"]>,
  context: ReasoningContext,
): JsonObject {
  const { traits } = context;
  const fields = traits.thinkingTypes.size > 0
    ? fittedThinking(request, thinking, context)
    : thinkingAsEffort(request, thinking, context);
  if (!hasLostThoughts(fields, request)) return fields;
  context.ignored.add("thinking");
  return {};
}

/** Efforts by Anthropic's names. */
const ANTHROPIC_EFFORTS: Readonly<Record<string, string>> = { minimal: "low" };

function fittedThinking(
  { reasoningEffort: effort }: ChatRequest,
  { type, value }: NonNullable<ChatRequest["thinking"]>,
  { traits, ignored, maxTokens }: ReasoningContext,
): JsonObject {
  const isKept = effort !== undefined && effort !== "none" && type !== "disabled";
  if (effort !== undefined && !isKept) ignored.add("reasoning_effort");
  const wanted = isKept ? ANTHROPIC_EFFORTS[effort] ?? effort : undefined;
  const names = new IgnoredFields();
  const fitted = fitThinking({ thinking: value, effort: wanted, maxTokens }, { traits, ignored: names });
  for (const name of names.list()) {
    ignored.add(name === "output_config.effort" ? "reasoning_effort" : name);
  }
  return {
    ...(fitted.thinking && { thinking: shownThoughts(fitted.thinking, traits) }),
    ...(fitted.effort !== undefined && { output_config: { effort: fitted.effort } }),
  };
}

/** Anthropic's `thinking` for a model of another family that has efforts. */
function thinkingAsEffort(
  { reasoningEffort: effort }: ChatRequest,
  { type, budgetTokens }: NonNullable<ChatRequest["thinking"]>,
  { traits, ignored }: ReasoningContext,
): JsonObject {
  if (type === "disabled") {
    const none = traits.reasoningEffort.get("none");
    if (none === undefined && traits.thinksByDefault) ignored.add("thinking");
    if (effort !== undefined && effort !== "none") ignored.add("reasoning_effort");
    return none ?? {};
  }
  const found = effortFields(effort ?? effortOfBudget(budgetTokens), traits);
  if (found === undefined) {
    ignored.add("thinking");
    if (effort !== undefined) ignored.add("reasoning_effort");
    return {};
  }
  if (type === "enabled" && budgetTokens !== undefined) ignored.add("thinking.budget_tokens");
  if (effort !== undefined && found.isClamped) ignored.add("reasoning_effort");
  return found.fields;
}

/**
 * The given fields, without the operator's thinking if a forced call rules it out. Throws `invalid_request` if the
 * thinking is the caller's, whose request then contradicts itself.
 */
export function settleForcedCall(
  given: JsonObject,
  { request, context, reasoning }: {
    readonly request: ChatRequest;
    readonly context: ReasoningContext;
    readonly reasoning: JsonObject;
  },
): JsonObject {
  if (!rulesOutThinking(context) || context.traits.thinkingTypes.size === 0) {
    return given;
  }
  const own = { ...request.bedrock.additionalModelRequestFields, ...reasoning };
  if (activeThinking(own) !== undefined) {
    throw context.tools.structuredTool === undefined
      ? invalidField("tool_choice", 'must be "auto" or "none" with thinking')
      : invalidField(
        "response_format",
        'this model does not support structured output with thinking; use "text"',
      );
  }
  return withoutRefusedThinking(given, context);
}

/**
 * Whether the model would refuse these fields: with a thinking budget, the message whose tools have just run must begin
 * with its thoughts, which many clients do not send back.
 */
function hasLostThoughts(fields: JsonObject, { messages }: ChatRequest): boolean {
  return activeThinking(fields)?.budget_tokens !== undefined && beginsWithoutThought(messages);
}

/** Whether the last assistant turn calls tools whose results follow, and does not begin with a thought. */
function beginsWithoutThought(messages: readonly ChatMessage[]): boolean {
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

/**
 * The `maxTokens` to send with a thinking budget. Throws `invalid_request` for a budget that leaves no room for the
 * response, or that contradicts the caller's own limit.
 */
export function limitThinking(
  request: ChatRequest,
  { thinking, maxTokens, maxOutputTokens }: BudgetLimits & {
    /** What `activeThinking` returned: the caller's or the operator's. */
    readonly thinking: JsonObject | undefined;
  },
): number | undefined {
  const budget = thinking?.budget_tokens;
  if (typeof budget !== "number") return maxTokens;
  const limit = limitWithBudget(budget, { maxTokens, maxOutputTokens });
  const isContradiction = request.thinking !== undefined && maxTokens !== undefined && maxTokens <= budget;
  if (limit > budget && !isContradiction) return limit;
  throw invalidField(
    "thinking.budget_tokens",
    maxTokens === undefined
      ? `must be less than the longest answer of this model (${maxOutputTokens}), found ${budget}`
      : `must be less than max_tokens (${maxTokens}), found ${budget}`,
  );
}
