/** Reasoning efforts of every dialect, mapped to what a model supports. */

import { isJsonObject, member } from "../../../base/json.ts";
import type { JsonObject } from "../../../base/json.ts";
import type { ModelTraits } from "../../../facts/traits.ts";

/** Lowest first. `none` is not in the list, because no other effort is replaced by it. */
const EFFORTS: readonly string[] = ["minimal", "low", "medium", "high", "xhigh", "max"];

type EffortTraits = Pick<ModelTraits, "thoughtText" | "reasoningEffort">;

export interface EffortFields {
  /** Members for `additionalModelRequestFields`. */
  readonly fields: JsonObject;
  /** Whether they mean a different effort than the requested one. */
  readonly isClamped: boolean;
}

/**
 * The fields for an effort, for the next lower one that the model has, or else for its lowest; undefined if it has
 * none.
 */
export function effortFields(effort: string, traits: EffortTraits): EffortFields | undefined {
  const { reasoningEffort } = traits;
  const taken = reasoningEffort.has(effort) ? effort : nearestEffort(effort, reasoningEffort);
  const fields = taken === undefined ? undefined : reasoningEffort.get(taken);
  if (fields === undefined) return undefined;
  return { fields: shownFields(fields, traits), isClamped: taken !== effort || isAnyEffort(fields) };
}

/** A model that thinks adaptively without being told an effort chooses one itself. */
function isAnyEffort({ thinking, output_config: config }: JsonObject): boolean {
  return config === undefined && member(thinking, "type") === "adaptive";
}

function nearestEffort(effort: string, known: ModelTraits["reasoningEffort"]): string | undefined {
  const rank = EFFORTS.indexOf(effort);
  if (rank === -1) return undefined;
  const offered = EFFORTS.filter((each) => known.has(each));
  return offered.findLast((each) => EFFORTS.indexOf(each) < rank) ?? offered[0];
}

/** The effort equivalent to a thinking budget, for a model that only has efforts. */
export function effortOfBudget(budgetTokens: number | undefined): string {
  if (budgetTokens === undefined) return "medium";
  if (budgetTokens < 4096) return "low";
  return budgetTokens < 16_384 ? "medium" : "high";
}

function shownFields(fields: JsonObject, traits: EffortTraits): JsonObject {
  const { thinking } = fields;
  return isJsonObject(thinking) ? { ...fields, thinking: shownThoughts(thinking, traits) } : fields;
}

/** Requests the text of thoughts from a model that hides it by default, because the caller asked for reasoning. */
export function shownThoughts(
  thinking: JsonObject,
  { thoughtText }: Pick<ModelTraits, "thoughtText">,
): JsonObject {
  const isHidden = thoughtText === "on_request" && thinking.type !== "disabled";
  return isHidden && thinking.display === undefined ? { ...thinking, display: "summarized" } : thinking;
}
