/** Errors in a response that has begun, by the codes that OpenAI's clients act on. */

import { type AditError, type ErrorKind, errorRow } from "../../base/errors.ts";
import type { ResponseErrorCode } from "../../wire/openai/responses_answer.ts";

/**
 * A quota of the account becomes available again, so it is not reported as `insufficient_quota`, after which clients give
 * up. A budget is spent until its window ends.
 */
const CODES: Partial<Record<ErrorKind, ResponseErrorCode>> = {
  invalid_request: "invalid_prompt",
  rate_limited: "rate_limit_exceeded",
  quota_exceeded: "rate_limit_exceeded",
  budget_spent: "insufficient_quota",
};

/** The `code` of a failed response; any other error is the server's, and may be retried. */
export function responseErrorCode({ kind, details: { openAiCode } }: AditError): ResponseErrorCode {
  return openAiCode === "context_length_exceeded" ? openAiCode : CODES[kind] ?? "server_error";
}

/** The `code` of the `error` event: that of the status with which the request would have been refused. */
export function errorEventCode(error: AditError): string {
  const { kind, details: { openAiCode = errorRow(kind).openai[1] } } = error;
  return CODES[kind] === "rate_limit_exceeded" ? "rate_limit_exceeded" : openAiCode;
}
