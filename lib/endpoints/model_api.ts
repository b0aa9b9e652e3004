/** How a configured model is asked. */

import { AditError } from "../base/errors.ts";
import type { Model, ModelApi } from "../snapshot/snapshot.ts";
import type { Target } from "../snapshot/plan.ts";

/** The configured model of a target; only a native request may name an id in its place. */
export function configuredModel({ model }: Target): Model {
  if (model === undefined) throw new AditError("internal");
  return model;
}

/** The operation for Anthropic Messages: the operator's choice, else the one that needs no translation. */
export function messagesApi({ api, traits }: Model): ModelApi {
  return api ?? (traits.anthropicMessages ? "invoke" : "converse");
}
