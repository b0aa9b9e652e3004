/** Error bodies of the three dialects, all derived from the one table of error kinds. */

import { errorRow } from "../base/errors.ts";
import type { AditError } from "../base/errors.ts";

/** https://platform.openai.com/docs/guides/error-codes */
export interface OpenAiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** The body of an error on the OpenAI routes; `param` is the invalid field, if known. */
export function openAiErrorBody(error: AditError): OpenAiErrorBody {
  const { message, details: { param = null, openAiType, openAiCode } } = error;
  const [type, code] = errorRow(error.kind).openai;
  return { error: { message, type: openAiType ?? type, param, code: openAiCode ?? code } };
}

/** https://docs.anthropic.com/en/api/errors */
export interface AnthropicErrorBody {
  readonly type: "error";
  readonly error: {
    readonly type: string;
    readonly message: string;
    readonly details?: { readonly error_code: string };
  };
  readonly request_id: string;
}

/** The body of an error on the Messages routes, which includes the request id as Anthropic's does. */
export function anthropicErrorBody(error: AditError, requestId: string): AnthropicErrorBody {
  const { anthropic: type } = errorRow(error.kind);
  const { message, details: { anthropicCode: code } } = error;
  const body = code === undefined ? { type, message } : { type, message, details: { error_code: code } };
  return { type: "error", error: body, request_id: requestId };
}

/** The body of an AWS error; the exception name is sent in `x-amzn-ErrorType`. */
export interface BedrockErrorBody {
  readonly message: string;
}

/** The body of an error on the native routes. */
export function bedrockErrorBody(error: AditError): BedrockErrorBody {
  return { message: error.message };
}
