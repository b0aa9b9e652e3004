/** Which Bedrock API is used for a configured model. */

import { AditError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { foundationModelId } from "../facts/model_id.ts";
import type { ModelApi, ModelTarget } from "../snapshot/snapshot.ts";
import type { Target } from "../snapshot/plan.ts";
import { needsFormatByTool } from "../translate/messages/invoke_fields.ts";

/** The configured model of a target; only a native request may use an id instead. */
export function settingsOf({ settings }: Target): ModelTarget {
  if (settings === undefined) throw new AditError("internal");
  return settings;
}

/**
 * The operation for Anthropic Messages: the operator's choice, otherwise the one that needs no translation; but
 * Converse if the model needs a tool for the format of the answer.
 */
export function messagesApi({ api, traits }: ModelTarget, body: JsonObject = {}): ModelApi {
  const chosen = api ?? (traits.anthropicMessages ? "invoke" : "converse");
  return chosen === "invoke" && needsFormatByTool(body, traits) ? "converse" : chosen;
}

/**
 * The id for CountTokens, which accepts models but not inference profiles: for a configured name, that of the model
 * behind it. An id in a native request is not changed.
 */
export function countedModelId({ settings, modelId }: Target): string {
  return settings === undefined ? modelId : foundationModelId(settings.baseModel ?? modelId);
}
