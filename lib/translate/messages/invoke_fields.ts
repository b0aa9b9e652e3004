/** Anthropic Messages -> InvokeModel of Claude: the fields other than the conversation and the tools, made to fit the model. */

import { isJsonObject, mergeFields } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { type JsonPath, parseJsonPath, valuesAt, withoutPath } from "../../facts/json_paths.ts";
import type { CachePlace, ModelTraits } from "../../facts/traits.ts";
import type { FieldsContext } from "../converse/members.ts";
import { fitMaxTokens, fitSampling, fitStopSequences, samplingWithThinking } from "../converse/limits.ts";
import { activeThinking } from "../converse/members.ts";
import { strictSchema } from "../converse/tools/strict_schema.ts";
import { fitThinking } from "../converse/thinking/thinking.ts";

/** Every place where Anthropic's API accepts `cache_control.ttl`. */
const TTLS = [
  "cache_control.ttl",
  "system[].cache_control.ttl",
  "tools[].cache_control.ttl",
  "messages[].content[].cache_control.ttl",
  "messages[].content[].content[].cache_control.ttl",
].map(parseJsonPath);

/** The same places without `ttl`, by their names in Converse. */
const MARKS: readonly (readonly [place: CachePlace, paths: readonly JsonPath[]])[] = [
  ["system", ["system[].cache_control"].map(parseJsonPath)],
  ["tools", ["tools[].cache_control"].map(parseJsonPath)],
  [
    "messages",
    [
      "cache_control",
      "messages[].content[].cache_control",
      "messages[].content[].content[].cache_control",
    ].map(parseJsonPath),
  ],
];

interface InvokeFieldsContext extends FieldsContext {
  /** The operator's fields, which apply where the caller sets none. */
  readonly defaults: JsonObject;
}

/** The body with fields that the model accepts; the others are changed or removed, and listed. */
export function fitFields(body: JsonObject, context: InvokeFieldsContext): JsonObject {
  let fitted = body;
  for (const fit of FITS) fitted = fit(fitted, context);
  return fitted;
}

const FITS = [fitFormat, fitCaching, fitStops, fitLimit, fitReasoning, fitSamplingFields];

/** `output_config.format`, also by its older name, which Bedrock does not accept; its schema is adapted. */
function fitFormat(body: JsonObject, { ignored }: FieldsContext): JsonObject {
  const format = formatOf(body);
  if (format === undefined && body.output_format === undefined) return body;
  const { output_format: _old, ...rest } = body;
  if (format === undefined) return rest;
  const strict = isJsonObject(format.schema) ? strictSchema(format.schema) : undefined;
  for (const keyword of strict?.moved ?? []) ignored.add(`output_config.format.schema..${keyword}`);
  const config = isJsonObject(body.output_config) ? body.output_config : {};
  const fitted = strict === undefined ? format : { ...format, schema: strict.schema };
  return { ...rest, output_config: { ...config, format: fitted } };
}

function formatOf({ output_config: config, output_format: older }: JsonObject): JsonObject | undefined {
  const newer = isJsonObject(config) ? config.format : undefined;
  return isJsonObject(newer) ? newer : isJsonObject(older) ? older : undefined;
}

/**
 * Whether InvokeModel would refuse the format of the answer, because the model has none or does not accept such a schema;
 * Converse can use a tool instead.
 */
export function needsFormatByTool(body: JsonObject, { structuredOutput }: ModelTraits): boolean {
  const format = formatOf(body);
  if (format === undefined) return false;
  return structuredOutput !== "schema" ||
    (isJsonObject(format.schema) && strictSchema(format.schema) === undefined);
}

function fitCaching(
  body: JsonObject,
  { traits: { cacheTtls, promptCaching }, ignored }: FieldsContext,
): JsonObject {
  const accepted: ReadonlySet<JsonValue> = cacheTtls;
  let left = body;
  for (const [place, paths] of MARKS) {
    if (promptCaching.has(place)) continue;
    for (const path of paths) if (valuesAt(left, path).length > 0) left = leaveOut(left, path, ignored);
  }
  for (const path of TTLS) {
    const values = valuesAt(left, path);
    if (values.length > 0 && !values.every((ttl) => accepted.has(ttl))) left = leaveOut(left, path, ignored);
  }
  return left;
}

function leaveOut(body: JsonObject, path: JsonPath, ignored: FieldsContext["ignored"]): JsonObject {
  ignored.add(path.name);
  return withoutPath(body, path);
}

function fitStops(body: JsonObject, context: FieldsContext): JsonObject {
  if (!Array.isArray(body.stop_sequences)) return body;
  const { stop_sequences: stops, ...rest } = body;
  const kept = fitStopSequences<JsonValue>(body.stop_sequences, { ...context, path: "stop_sequences" });
  if (kept === stops) return body;
  return kept.length === 0 ? rest : { ...body, stop_sequences: kept };
}

function fitLimit(body: JsonObject, context: FieldsContext): JsonObject {
  const { max_tokens: asked } = body;
  if (typeof asked !== "number") return body;
  const { traits, ignored } = context;
  const limit = fitMaxTokens(asked, { traits, ignored, path: "max_tokens" });
  return limit === asked ? body : { ...body, max_tokens: limit };
}

function fitReasoning(body: JsonObject, context: FieldsContext): JsonObject {
  const { thinking, output_config: config, max_tokens: limit } = body;
  const effort = isJsonObject(config) ? config.effort : undefined;
  const asked = {
    thinking: isJsonObject(thinking) ? thinking : undefined,
    effort: typeof effort === "string" ? effort : undefined,
  };
  if (asked.thinking === undefined && asked.effort === undefined) return body;
  const maxTokens = typeof limit === "number" ? limit : undefined;
  const fitted = fitThinking({ ...asked, maxTokens }, context);
  if (fitted.thinking === asked.thinking && fitted.effort === asked.effort) return body;
  const members = new Map(Object.entries(body));
  if (fitted.thinking !== asked.thinking) place(members, "thinking", fitted.thinking);
  if (fitted.effort !== asked.effort) {
    const { effort: _effort, ...others } = isJsonObject(config) ? config : {};
    const changed = fitted.effort === undefined ? others : { ...others, effort: fitted.effort };
    place(members, "output_config", Object.keys(changed).length === 0 ? undefined : changed);
  }
  return Object.fromEntries(members);
}

function place(members: Map<string, JsonValue>, name: string, value: JsonValue | undefined): void {
  if (value === undefined) members.delete(name);
  else members.set(name, value);
}

/** As in every dialect, parameters that the model refuses, always or while it thinks, are left out. */
function fitSamplingFields(body: JsonObject, { traits, ignored, defaults }: InvokeFieldsContext): JsonObject {
  const asked = { temperature: numberOf(body.temperature), topP: numberOf(body.top_p) };
  const thinks = traits.sampling !== "none" && activeThinking(mergeFields(defaults, body)) !== undefined;
  const accepted = thinks ? samplingWithThinking(asked, ignored) : asked;
  const { temperature, topP } = fitSampling(accepted, { traits, ignored });
  const losesTopK = isSet(body.top_k) && (thinks || traits.sampling === "none" || traits.topKPath === "");
  if (losesTopK) ignored.add("top_k");
  if (temperature === asked.temperature && topP === asked.topP && !losesTopK) return body;
  const lost = new Set([
    ...(temperature === asked.temperature ? [] : ["temperature"]),
    ...(topP === asked.topP ? [] : ["top_p"]),
    ...(losesTopK ? ["top_k"] : []),
  ]);
  return Object.fromEntries(Object.entries(body).filter(([name]) => !lost.has(name)));
}

/** Anything but a number is left for Bedrock to judge. */
function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function isSet(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null;
}
