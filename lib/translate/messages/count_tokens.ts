/** Anthropic's `count_tokens` -> CountTokens, in the form of InvokeModel or Converse, and back. */

import { Buffer } from "node:buffer";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { MessagesRequest } from "../../wire/anthropic/messages.ts";
import { type CountedConverse, countInput, readTokenCount } from "../converse/count_tokens.ts";
import { messagesToConverse } from "./request.ts";
import type { MessagesConverseContext } from "./request.ts";
import { messagesToInvoke } from "./invoke_request.ts";
import type { InvokeContext } from "./invoke_request.ts";

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html */
export type CountTokensInput =
  | { readonly invokeModel: { /** Base64. */ readonly body: string } }
  | { readonly converse: CountedConverse };

export interface CountTokensCall {
  readonly request: { readonly input: CountTokensInput };
  /** Ignored flags and fields, for `x-adit-ignored`. */
  readonly ignored: readonly string[];
}

/** Used if the body has none: Bedrock requires a number, but only counts input. */
const MAX_TOKENS = 1;

/** For Claude: the body for InvokeModel. */
export function messagesToInvokeCount(body: JsonObject, context: InvokeContext): CountTokensCall {
  const isLimited = (body.max_tokens ?? null) !== null;
  const invoke = messagesToInvoke(isLimited ? body : { ...body, max_tokens: MAX_TOKENS }, context);
  const counted = isLimited ? invoke.body : { ...invoke.body, max_tokens: roomFor(invoke.body.thinking) };
  return {
    request: { input: { invokeModel: { body: Buffer.from(jsonText(counted)).toString("base64") } } },
    ignored: invoke.ignored,
  };
}

/** The smallest `max_tokens` for a thinking budget, which Bedrock requires to be smaller. */
function roomFor(thinking: JsonValue | undefined): number {
  const budget = isJsonObject(thinking) ? thinking.budget_tokens : undefined;
  return typeof budget === "number" ? budget + 1 : MAX_TOKENS;
}

/** For other models: the fields of the Converse request that are counted. */
export function messagesToConverseCount(
  request: MessagesRequest,
  context: MessagesConverseContext,
): CountTokensCall {
  const call = messagesToConverse({ ...request, maxTokens: request.maxTokens ?? MAX_TOKENS }, context);
  return { request: { input: { converse: countInput(call.request) } }, ignored: call.ignored };
}

/** https://docs.anthropic.com/en/api/messages-count-tokens */
export interface TokenCount {
  readonly input_tokens: number;
}

/** Anthropic's response from Bedrock's; throws `upstream_protocol` if there is no count. */
export function countTokensToMessages(answer: JsonValue): TokenCount {
  return { input_tokens: readTokenCount(answer) };
}
