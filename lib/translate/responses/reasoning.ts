/** Responses -> Converse: `reasoning`, and the fields that it affects. */

import type { JsonObject } from "../../base/json.ts";
import type { ConverseMessage } from "../../wire/bedrock/converse.ts";
import type { ResponsesRequest } from "../../wire/openai/responses.ts";
import { effortFields, shownThoughts } from "../converse/thinking/efforts.ts";
import { activeThinking, type FieldsContext } from "../converse/members.ts";
import { rulesOutThinking } from "../converse/thinking/forced_calls.ts";
import type { ToolPlan } from "../converse/tools/tools.ts";

export interface ReasoningContext extends FieldsContext {
  readonly tools: Pick<ToolPlan, "isForced">;
  readonly messages: readonly ConverseMessage[];
}

/** Members for `additionalModelRequestFields`; fields that the model does not support are listed as ignored. */
export function reasoningFields(request: ResponsesRequest, context: ReasoningContext): JsonObject {
  const { traits, ignored } = context;
  const { effort, wantsSummary } = request;
  const isForced = rulesOutThinking(context);
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
