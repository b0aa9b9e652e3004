/** Forced calls of tools, which many models do not support while they think. */

import type { JsonObject } from "../../../base/json.ts";
import type { ModelTraits } from "../../../facts/traits.ts";
import { activeThinking } from "../members.ts";
import type { ToolPlan } from "../tools/tools.ts";

export interface ForcedCallContext {
  readonly traits: ModelTraits;
  readonly tools: Pick<ToolPlan, "isForced">;
}

/** Whether a forced call rules out thinking for the model. */
export function rulesOutThinking({ traits, tools }: ForcedCallContext): boolean {
  return tools.isForced && !traits.forcedChoiceWithThinking;
}

/** The operator's fields, without thinking if a forced call rules it out: a caller could not remove it. */
export function withoutRefusedThinking(given: JsonObject, context: ForcedCallContext): JsonObject {
  if (!rulesOutThinking(context) || activeThinking(given) === undefined) return given;
  const { thinking: _, ...others } = given;
  return others;
}
