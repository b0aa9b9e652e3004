/** What Bedrock reports in addition to the message, for the answers of both OpenAI dialects. */

import { isJsonObject } from "../../base/json.ts";
import type { JsonValue } from "../../base/json.ts";
import type { AnswerExtras } from "../../wire/bedrock/converse.ts";
import type { OpenAiExtras } from "../../wire/openai/completion.ts";

/** The fields for an answer, or for the end of a stream; Bedrock's own keep their names. */
export function openAiExtras(extras: AnswerExtras): OpenAiExtras {
  const { serviceTier, trace, performanceConfig, additionalModelResponseFields } = extras;
  return {
    // Reserved capacity, by the name that OpenAI's clients know.
    ...(serviceTier !== undefined && { service_tier: serviceTier === "reserved" ? "scale" : serviceTier }),
    ...(trace !== undefined && { trace: withoutArns(trace) }),
    ...(performanceConfig !== undefined && { performanceConfig }),
    ...(additionalModelResponseFields !== undefined && { additionalModelResponseFields }),
  };
}

/** The value with the bare id instead of each ARN, which would reveal the operator's account and region. */
function withoutArns(value: JsonValue): JsonValue {
  if (typeof value === "string") return bareIds(value);
  if (Array.isArray(value)) return value.map(withoutArns);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [bareIds(key), withoutArns(each)]));
}

/** The text with the id instead of each ARN: `arn:aws:bedrock:us-east-1:123456789012:guardrail/abc` becomes `abc`. */
export function bareIds(text: string): string {
  return text.replaceAll(/arn:aws[\w-]*:[\w-]*:[\w-]*:\d*:(?:[\w-]+\/)?([^\s"'`,;]*)/gi, "$1");
}
