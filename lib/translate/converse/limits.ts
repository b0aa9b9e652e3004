/** Token limits, stop sequences and sampling, made to fit what a model accepts. */

import { invalidField } from "../../base/errors.ts";
import { hasNoMembers, isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ModelDefaults } from "../../snapshot/snapshot.ts";
import { IgnoredFields } from "./ignored.ts";
import { type FieldsContext, setsSampling } from "./members.ts";

interface NamedField extends FieldsContext {
  /** The caller's name of the field. */
  readonly path: string;
}

interface DefaultedField extends NamedField {
  readonly defaults: ModelDefaults;
}

/** The caller's limit, or else the operator's, as far as the model accepts it. */
export function chooseMaxTokens(
  asked: number | undefined,
  { traits, ignored, path, defaults }: DefaultedField,
): number | undefined {
  if (asked !== undefined) return fitMaxTokens(asked, { traits, ignored, path });
  const own = defaults.maxTokens;
  return own === undefined ? undefined : fitMaxTokens(own, { traits, ignored: new IgnoredFields(), path });
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

/**
 * The caller's stop sequences, or else the operator's, as far as the model accepts them; undefined if there are none.
 */
export function chooseStops(
  asked: readonly string[],
  { traits, ignored, path, defaults: { stop } }: DefaultedField,
): readonly string[] | undefined {
  if (asked.length === 0 && stop === undefined) return undefined;
  const kept = asked.length > 0
    ? fitStopSequences(asked, { traits, ignored, path })
    : fitStopSequences(stop ?? [], { traits, ignored: new IgnoredFields(), path });
  return kept.length === 0 ? undefined : kept;
}

/** The stop sequences that the model accepts. */
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
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
}

interface SamplingContext extends FieldsContext {
  readonly defaults: ModelDefaults;
  /** What `activeThinking` returned. */
  readonly thinking: JsonObject | undefined;
}

/** The caller's parameters as far as the model accepts them, or else the operator's. */
export function chooseSampling(
  asked: Sampling,
  { traits, ignored, defaults, thinking }: SamplingContext,
): Sampling {
  if (traits.sampling === "none") return fitSampling(asked, { traits, ignored });
  const possible = thinking === undefined ? asked : samplingWithThinking(asked, ignored);
  if (!setsSampling(possible, thinking)) return defaults;
  checkUnitInterval("temperature", possible.temperature);
  checkUnitInterval("top_p", possible.topP);
  return fitSampling(possible, { traits, ignored });
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html */
function checkUnitInterval(name: string, value: number | undefined): void {
  if (value !== undefined && (value < 0 || value > 1)) {
    throw invalidField(name, `must be between 0 and 1, found ${value}`);
  }
}

/** If only one of the two may be sent, it is the temperature. */
export function fitSampling({ temperature, topP }: Sampling, { traits, ignored }: FieldsContext): Sampling {
  const isBoth = temperature !== undefined && topP !== undefined;
  const takesTemperature = traits.sampling !== "none";
  const takesTopP = takesTemperature && (traits.sampling === "both" || !isBoth);
  if (temperature !== undefined && !takesTemperature) ignored.add("temperature");
  if (topP !== undefined && !takesTopP) ignored.add("top_p");
  return { temperature: takesTemperature ? temperature : undefined, topP: takesTopP ? topP : undefined };
}

/** The sampling parameters that a model accepts while it thinks with Anthropic's `thinking`. */
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
  return !hasNoMembers(refusesLimitsWith) && contains(fields, refusesLimitsWith);
}

/** Whether everything in `part` is also in `value`. */
function contains(value: JsonValue | undefined, part: JsonValue): boolean {
  if (!isJsonObject(part)) return JSON.stringify(value) === JSON.stringify(part);
  return isJsonObject(value) && Object.entries(part).every(([name, inner]) => contains(value[name], inner));
}
