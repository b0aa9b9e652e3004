/** Fields of a Converse request that mean the same in every dialect. */

import { isJsonObject, NO_MEMBERS } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ConverseTool } from "../../wire/bedrock/converse.ts";
import type { ModelDefaults } from "../../snapshot/snapshot.ts";
import type { IgnoredFields } from "./ignored.ts";

/** Context for translating a field: what the model supports, and the list of ignored fields. */
export interface FieldsContext {
  readonly traits: ModelTraits;
  readonly ignored: IgnoredFields;
}

/** Sent instead of an empty tool result, which Bedrock refuses. */
export const NO_OUTPUT = "(no output)";

/** Bedrock refuses text blocks without a visible character. */
export function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  // Most texts begin with a visible character, and trimming a long one copies it.
  return !(first > SPACE && first < DELETE) && text.trim() === "";
}

const SPACE = 0x20;
const DELETE = 0x7f;

/** Whether the object would be empty as JSON. */
export function isEmpty(object: object): boolean {
  for (const value of Object.values(object)) if (value !== undefined) return false;
  return true;
}

/** A tool of which only the name is known; `name` is Converse's. */
export function bareTool(name: string): ConverseTool {
  return { toolSpec: { name, inputSchema: { json: { type: "object" } } } };
}

/** `top_k`, at the model's path in `additionalModelRequestFields`. */
export function topKFields(topK: number | undefined, { traits, ignored }: FieldsContext): JsonObject {
  if (topK === undefined) return NO_MEMBERS;
  if (traits.topKPath === "" || traits.sampling === "none") {
    ignored.add("top_k");
    return {};
  }
  const [last = "", ...outer] = traits.topKPath.split(".").reverse();
  return outer.reduce<JsonObject>((inner, name) => ({ [name]: inner }), { [last]: topK });
}

/** The `thinking` member of `additionalModelRequestFields`, if it enables thinking. */
export function activeThinking({ thinking }: JsonObject): JsonObject | undefined {
  return isJsonObject(thinking) && thinking.type !== "disabled" ? thinking : undefined;
}

interface Sampling {
  readonly temperature?: JsonValue | undefined;
  readonly topP?: JsonValue | undefined;
}

/**
 * Whether the operator's sampling defaults must be dropped: newer Claude models refuse temperature together with
 * top_p, and both while thinking. `thinking` is the result of `activeThinking`.
 */
export function setsSampling({ temperature, topP }: Sampling, thinking: JsonObject | undefined): boolean {
  return temperature !== undefined || topP !== undefined || thinking !== undefined;
}

/**
 * The tier that an OpenAI client asks for; `auto` leaves the choice to the operator and then to Bedrock, as none does.
 */
export function openAiTierConfig(tier: string | undefined, defaults: ModelDefaults): JsonObject | undefined {
  if (tier === undefined || tier === "auto") return tierConfig(defaults);
  // OpenAI's name for reserved capacity.
  return { type: tier === "scale" ? "reserved" : tier };
}

/** The operator's tier, for requests without one. */
export function tierConfig({ serviceTier }: ModelDefaults): JsonObject | undefined {
  return serviceTier === undefined ? undefined : { type: serviceTier };
}

/** The operator's `performanceConfig`, for requests without one. */
export function latencyConfig({ latency }: ModelDefaults): JsonObject | undefined {
  return latency === undefined ? undefined : { latency };
}
