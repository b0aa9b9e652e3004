/** Which Bedrock API is used for a configured model. */

import { AditError } from "../base/errors.ts";
import type { ModelApi, ModelTarget } from "../snapshot/snapshot.ts";
import type { Target } from "../snapshot/plan.ts";

/** The configured model of a target; only a native request may use an id instead. */
export function settingsOf({ settings }: Target): ModelTarget {
  if (settings === undefined) throw new AditError("internal");
  return settings;
}

/**
 * The operation for Anthropic Messages: the operator's choice, otherwise the one that needs no translation.
 */
export function messagesApi({ api, traits }: ModelTarget): ModelApi {
  return api ?? (traits.anthropicMessages ? "invoke" : "converse");
}
