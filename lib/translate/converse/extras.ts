/** What Bedrock reports in addition to the message, for the answers of both OpenAI dialects. */

import { isJsonObject } from "../../base/json.ts";
import type { JsonValue } from "../../base/json.ts";
import type { AnswerExtras } from "../../wire/bedrock/converse.ts";
import type { OpenAiExtras } from "../../wire/openai/completion.ts";

/** The fields for an answer, or for the end of a stream; Bedrock's own keep their names. */
export function openAiExtras(extras: AnswerExtras): OpenAiExtras {
  const { serviceTier, trace, performanceConfig, additionalModelResponseFields } = extras;
  const fields: { -readonly [Name in keyof OpenAiExtras]: OpenAiExtras[Name] } = {};
  // Reserved capacity, by the name that OpenAI's clients know.
  if (serviceTier !== undefined) fields.service_tier = serviceTier === "reserved" ? "scale" : serviceTier;
  if (trace !== undefined) fields.trace = withoutArns(trace);
  if (performanceConfig !== undefined) fields.performanceConfig = performanceConfig;
  if (additionalModelResponseFields !== undefined) {
    fields.additionalModelResponseFields = additionalModelResponseFields;
  }
  return fields;
}

/** The value with the bare id instead of each ARN, which would reveal the operator's account and region. */
export function withoutArns(value: JsonValue): JsonValue {
  if (typeof value === "string") return bareIds(value);
  if (Array.isArray(value)) return value.map(withoutArns);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [bareIds(key), withoutArns(each)]));
}

/** The text with the id instead of each ARN: `arn:aws:bedrock:us-east-1:123456789012:guardrail/abc` becomes `abc`. */
export function bareIds(text: string): string {
  return text.replaceAll(/arn:aws[\w-]*:[\w-]*:[\w-]*:\d*:(?:[\w-]+\/)?([^\s"'`,;]*)/gi, "$1");
}
