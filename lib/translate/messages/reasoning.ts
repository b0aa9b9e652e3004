/** Anthropic Messages -> Converse: `thinking` and `output_config.effort`. */

import { type JsonObject, NO_MEMBERS } from "../../base/json.ts";
import type { MessagesRequest, MessagesThinking } from "../../wire/anthropic/messages.ts";
import type { FieldsContext } from "../converse/members.ts";
import { refusesLimits } from "../converse/limits.ts";
import { effortFields, effortOfBudget } from "../converse/thinking/efforts.ts";
import { fitThinking } from "../converse/thinking/thinking.ts";

/** Members for `additionalModelRequestFields`; fields that the model does not support are listed as ignored. */
export function messagesReasoning(
  request: MessagesRequest,
  { traits, ignored, maxTokens }: FieldsContext & { readonly maxTokens: number },
): JsonObject {
  const { thinking, effort } = request;
  if (traits.thinkingTypes.size > 0) {
    const requested = { thinking: thinking?.value, effort, maxTokens };
    const fitted = fitThinking(requested, { traits, ignored });
    return {
      ...(fitted.thinking && { thinking: fitted.thinking }),
      ...(fitted.effort !== undefined && { output_config: { effort: fitted.effort } }),
    };
  }
  const asked = effortOf(thinking, effort);
  if (asked === undefined) return NO_MEMBERS;
  const found = effortFields(asked, traits);
  if (found === undefined) {
    // A model that never thinks has nothing to switch off.
    const isLost = thinking?.type !== "disabled" || traits.thinksByDefault;
    if (thinking !== undefined && isLost) ignored.add("thinking");
    if (effort !== undefined) ignored.add("output_config.effort");
    return NO_MEMBERS;
  }
  // Every Messages request has a token limit, which a model may refuse together with a high effort.
  const isLowered = refusesLimits(traits, found.fields);
  const isKept = asked === effort && !found.isClamped && !isLowered;
  if (effort !== undefined && !isKept) ignored.add("output_config.effort");
  if (thinking?.budgetTokens !== undefined) ignored.add("thinking.budget_tokens");
  return isLowered ? traits.reasoningEffort.get("medium") ?? NO_MEMBERS : found.fields;
}

/** The equivalent of the two fields for a model that has efforts instead. */
function effortOf(thinking: MessagesThinking | undefined, effort: string | undefined): string | undefined {
  switch (thinking?.type) {
    case "disabled":
      return "none";
    case undefined:
      return effort;
    case "enabled":
      return effort ?? effortOfBudget(thinking.budgetTokens);
    case "adaptive":
    case "between_tools":
      return effort ?? "medium";
  }
}
