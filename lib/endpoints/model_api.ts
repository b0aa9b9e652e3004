/** How a configured model is asked. */

import { AditError } from "../base/errors.ts";
import type { ModelApi, ModelTarget } from "../snapshot/snapshot.ts";
import type { Target } from "../snapshot/plan.ts";

/** What the file says of a target; only a native request may name an id in a model's place. */
export function settingsOf({ settings }: Target): ModelTarget {
  if (settings === undefined) throw new AditError("internal");
  return settings;
}

/** The operation for Anthropic Messages: the operator's choice, else the one that needs no translation. */
export function messagesApi({ api, traits }: ModelTarget): ModelApi {
  return api ?? (traits.anthropicMessages ? "invoke" : "converse");
}
