/** Responses -> Converse: the fields for which Converse has no member. */

import { invalidField } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json.ts";
import type { ResponsesRequest } from "../../wire/openai/responses.ts";
import { unsupportedTool } from "../../wire/openai/responses_tools.ts";
import type { IgnoredFields } from "../converse/ignored.ts";

interface Refused {
  /** The value, as JSON, that asks for nothing and is therefore allowed. */
  readonly neutral?: string;
  readonly reason: string;
  readonly code?: string;
}

const WHOLE_INPUT = "send the whole conversation in `input`, as clients do with `store: false`";

/** Fields that ask for something that Bedrock, or a stateless gateway, cannot do. */
const REFUSED: Readonly<Record<string, Refused>> = {
  previous_response_id: {
    reason: `the gateway does not store responses; ${WHOLE_INPUT}`,
    code: "previous_response_not_found",
  },
  conversation: { reason: `the gateway does not store conversations; ${WHOLE_INPUT}` },
  background: {
    neutral: "false",
    reason: "the gateway does not store responses for later; use `stream` instead",
  },
  prompt: { reason: "the gateway does not store prompts; send `instructions` and `input`" },
  top_logprobs: { neutral: "0", reason: "Bedrock does not return log probabilities; use 0" },
  moderation: { reason: "Bedrock does not return OpenAI's moderation results; remove it" },
};

/** Values that ask for the default behavior. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  store: "false",
  truncation: '"disabled"',
};

/** The value of `include` that every response honors. */
const INCLUDED = "reasoning.encrypted_content";
const LOGPROBS = "message.output_text.logprobs";

/** Lists ignored fields; throws `invalid_request` with the path and a remedy for fields that cannot be honored. */
export function checkOtherFields(
  { otherFields, unreadPaths, toolsLeftOut, unsupportedTools }: ResponsesRequest,
  { ignored, dropTools }: { readonly ignored: IgnoredFields; readonly dropTools: readonly string[] },
): void {
  for (const [name, value] of otherFields) {
    if (name === "include") checkInclude(value, ignored);
    else if (asksForSomething(name, value)) ignored.add(name);
  }
  for (const path of unreadPaths) ignored.add(path);
  for (const name of toolsLeftOut) ignored.add(name);
  for (const { type, path, name } of unsupportedTools) {
    if (!dropTools.includes(type)) throw unsupportedTool(path);
    ignored.add(name);
  }
}

function asksForSomething(name: string, value: JsonValue): boolean {
  const row = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  const text = JSON.stringify(value);
  if (row !== undefined && text !== row.neutral) throw invalidField(name, row.reason, row.code);
  return row === undefined && !(Object.hasOwn(WITHOUT_EFFECT, name) && WITHOUT_EFFECT[name] === text);
}

function checkInclude(value: JsonValue, ignored: IgnoredFields): void {
  for (const [index, each] of (Array.isArray(value) ? value : [value]).entries()) {
    if (each === LOGPROBS) {
      throw invalidField(`include[${index}]`, "Bedrock does not return log probabilities");
    }
    if (each !== INCLUDED) ignored.add(typeof each === "string" ? `include[${each}]` : "include");
  }
}
