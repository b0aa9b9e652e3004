/** Token limits, stop sequences and sampling, made to fit what a model accepts. */

import { hasNoMembers, isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { IgnoredFields } from "./ignored.ts";
import type { FieldsContext } from "./members.ts";

interface NamedField extends FieldsContext {
  /** What the caller calls the field. */
  readonly path: string;
}

/** The limit, lowered to the longest answer of the model; clients have defaults that not every model reaches. */
export function fitMaxTokens(
  asked: number,
  { traits: { maxOutputTokens }, ignored, path }: NamedField,
): number {
  if (maxOutputTokens === undefined || asked <= maxOutputTokens) return asked;
  ignored.add(path);
  return maxOutputTokens;
}

/** Those of the stop sequences that the model accepts. */
export function fitStopSequences<T>(
  asked: readonly T[],
  { traits, ignored, path }: NamedField,
): readonly T[] {
  if (asked.length === 0) return asked;
  const kept = asked.filter(ACCEPTED_STOPS[traits.stopSequences]);
  if (kept.length === asked.length) return asked;
  ignored.add(path);
  return kept;
}

const ACCEPTED_STOPS: Readonly<Record<ModelTraits["stopSequences"], (stop: unknown) => boolean>> = {
  any: () => true,
  visible: (stop) => typeof stop !== "string" || stop.trim() !== "",
  none: () => false,
};

interface Sampling {
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
}

/** Where only one of the two may be sent, the temperature is. */
export function fitSampling({ temperature, topP }: Sampling, { traits, ignored }: FieldsContext): Sampling {
  const isBoth = temperature !== undefined && topP !== undefined;
  const takesTemperature = traits.sampling !== "none";
  const takesTopP = takesTemperature && (traits.sampling === "both" || !isBoth);
  if (temperature !== undefined && !takesTemperature) ignored.add("temperature");
  if (topP !== undefined && !takesTopP) ignored.add("top_p");
  return { temperature: takesTemperature ? temperature : undefined, topP: takesTopP ? topP : undefined };
}

/** What of the sampling stays while a model thinks with Anthropic's `thinking`. */
export function samplingWithThinking({ temperature, topP }: Sampling, ignored: IgnoredFields): Sampling {
  const keepsTemperature = temperature === 1;
  const keepsTopP = topP !== undefined && topP >= MIN_TOP_P_WITH_THINKING;
  if (temperature !== undefined && !keepsTemperature) ignored.add("temperature");
  if (topP !== undefined && !keepsTopP) ignored.add("top_p");
  return { temperature: keepsTemperature ? 1 : undefined, topP: keepsTopP ? topP : undefined };
}

/** https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html */
const MIN_TOP_P_WITH_THINKING = 0.95;

/** Whether the model refuses limits together with these fields of `additionalModelRequestFields`. */
export function refusesLimits({ refusesLimitsWith }: ModelTraits, fields: JsonObject): boolean {
  return !hasNoMembers(refusesLimitsWith) && holds(fields, refusesLimitsWith);
}

/** Whether everything in `part` is also in `value`. */
function holds(value: JsonValue | undefined, part: JsonValue): boolean {
  if (!isJsonObject(part)) return JSON.stringify(value) === JSON.stringify(part);
  return isJsonObject(value) && Object.entries(part).every(([name, inner]) => holds(value[name], inner));
}
