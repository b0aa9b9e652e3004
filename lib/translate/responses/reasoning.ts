/** Responses -> Converse: `reasoning`, and the fields that it affects. */

import type { JsonObject } from "../../base/json.ts";
import type { ConverseMessage } from "../../wire/bedrock/converse.ts";
import type { ResponsesRequest } from "../../wire/openai/responses.ts";
import { effortFields, shownThoughts } from "../converse/thinking/efforts.ts";
import { activeThinking, type FieldsContext } from "../converse/members.ts";
import type { ToolPlan } from "../converse/tools/tools.ts";

/** Room for the response after the thinking budget if the caller sets no limit. */
const ANSWER_TOKENS = 4096;

export interface ReasoningContext extends FieldsContext {
  readonly tools: Pick<ToolPlan, "isForced">;
  readonly messages: readonly ConverseMessage[];
}

/** Members for `additionalModelRequestFields`; fields that the model does not support are listed as ignored. */
export function reasoningFields(request: ResponsesRequest, context: ReasoningContext): JsonObject {
  const { traits, ignored } = context;
  const { effort, wantsSummary } = request;
  const isForced = refusesThinking(context);
  if (effort === undefined) {
    if (isForced && traits.thinksByDefault && traits.thinkingTypes.has("disabled")) {
      return { thinking: { type: "disabled" } };
    }
    return wantsSummary && !isForced ? summaryAlone(context) : {};
  }
  // A model that hides its thoughts shows them only to a caller who asks for a summary.
  const found = effortFields(effort, wantsSummary ? traits : { ...traits, thoughtText: "always" });
  const isPossible = found !== undefined && !hasLostThoughts(found.fields, context) &&
    !(isForced && activeThinking(found.fields) !== undefined);
  if (!isPossible || found.isClamped) ignored.add("reasoning.effort");
  if (isPossible) return found.fields;
  return isForced && traits.thinksByDefault ? traits.reasoningEffort.get("none") ?? {} : {};
}

/** Requests the text of thoughts from a model that thinks by default and hides them. */
function summaryAlone({ traits }: ReasoningContext): JsonObject {
  const isHidden = traits.thinksByDefault && traits.thoughtText === "on_request" &&
    traits.thinkingTypes.has("adaptive");
  return isHidden ? { thinking: shownThoughts({ type: "adaptive" }, traits) } : {};
}

/** Whether a forced call rules out thinking for the model. */
function refusesThinking({ traits, tools }: ReasoningContext): boolean {
  return tools.isForced && !traits.forcedChoiceWithThinking;
}

/** The operator's fields, without thinking if a forced call rules it out. */
export function withoutRefusedThinking(given: JsonObject, context: ReasoningContext): JsonObject {
  if (!refusesThinking(context) || activeThinking(given) === undefined) return given;
  const { thinking: _, ...others } = given;
  return others;
}

/**
 * Whether the model would refuse these fields: with a thinking budget, the turn whose tools have just run must begin
 * with its thoughts, which not every client sends back.
 */
function hasLostThoughts(fields: JsonObject, { messages }: ReasoningContext): boolean {
  if (activeThinking(fields)?.budget_tokens === undefined) return false;
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  const results = messages[last + 1]?.content.some((block) => "toolResult" in block) === true;
  const [first] = messages[last]?.content ?? [];
  return results && first !== undefined && !("reasoningContent" in first);
}

/**
 * The `maxTokens` to send: above the thinking budget, which counts toward it
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html).
 */
export function limitWithThinking(
  thinking: JsonObject | undefined,
  { maxTokens, maxOutputTokens = Infinity }: {
    /** The caller's or operator's limit, capped at the model's. */
    readonly maxTokens: number | undefined;
    readonly maxOutputTokens: number | undefined;
  },
): number | undefined {
  const budget = thinking?.budget_tokens;
  if (typeof budget !== "number" || (maxTokens !== undefined && maxTokens > budget)) return maxTokens;
  return Math.min(budget + (maxTokens ?? ANSWER_TOKENS), maxOutputTokens);
}
