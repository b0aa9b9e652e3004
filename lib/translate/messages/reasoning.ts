/** Anthropic Messages -> Converse: `thinking` and `output_config.effort`. */

import type { JsonObject } from "../../base/json.ts";
import type { MessagesRequest, MessagesThinking } from "../../wire/anthropic/messages.ts";
import type { FieldsContext } from "../converse/members.ts";
import { refusesLimits } from "../converse/limits.ts";
import { fitThinking } from "../converse/thinking/thinking.ts";

/** A smaller budget becomes low effort, a larger one medium. */
const LOW_EFFORT_BELOW_TOKENS = 4096;

/** Members for `additionalModelRequestFields`; what the model does not support is listed as ignored. */
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
  const fields = asked === undefined ? {} : traits.reasoningEffort.get(asked);
  if (fields !== undefined) {
    const isLowered = refusesLimits(traits, fields);
    if (effort !== undefined && (isLowered || asked !== effort)) ignored.add("output_config.effort");
    // Every Messages request has a token limit.
    return isLowered ? traits.reasoningEffort.get("medium") ?? {} : fields;
  }
  if (thinking !== undefined && thinking.type !== "disabled") ignored.add("thinking");
  if (effort !== undefined) ignored.add("output_config.effort");
  return {};
}

/** The equivalent of the two fields for a model that has efforts instead. */
function effortOf(thinking: MessagesThinking | undefined, effort: string | undefined): string | undefined {
  switch (thinking?.type) {
    case "disabled":
      return "none";
    case undefined:
      return effort;
    case "enabled":
      return effort ?? ((thinking.budgetTokens ?? 0) < LOW_EFFORT_BELOW_TOKENS ? "low" : "medium");
    case "adaptive":
    case "between_tools":
      return effort ?? "medium";
  }
}
