/** The form of Adit's own errors in each dialect. */

import { type AditError, errorRow } from "../base/errors.ts";
import { anthropicErrorBody, bedrockErrorBody, openAiErrorBody } from "../wire/errors.ts";

export const DIALECTS = ["openai", "anthropic", "bedrock"] as const;
export type Dialect = (typeof DIALECTS)[number];

interface DialectRow {
  /** Headers that name the request id. */
  readonly idHeaders: readonly string[];
  status(error: AditError): number;
  body(error: AditError, requestId: string): unknown;
  errorHeaders(error: AditError, requestId: string): Record<string, string>;
}

const ROWS = {
  openai: {
    idHeaders: ["x-request-id"],
    status: (error) => errorRow(error.kind).status,
    body: openAiErrorBody,
    errorHeaders: () => ({}),
  },
  anthropic: {
    idHeaders: ["x-request-id", "request-id"],
    status: (error) => errorRow(error.kind).anthropicStatus ?? errorRow(error.kind).status,
    body: anthropicErrorBody,
    // Claude Code retries after any other 429, whatever x-should-retry says.
    errorHeaders: ({ kind }): Record<string, string> =>
      kind === "budget_spent" ? { "anthropic-ratelimit-unified-status": "rejected" } : {},
  },
  bedrock: {
    idHeaders: ["x-request-id"],
    status: (error) => errorRow(error.kind).bedrockStatus ?? errorRow(error.kind).status,
    body: bedrockErrorBody,
    // AWS SDKs tell errors apart by the first header and report the second as the request id.
    errorHeaders: (error, requestId) => ({
      "x-amzn-errortype": errorRow(error.kind).bedrock,
      "x-amzn-requestid": requestId,
      "x-adit-error": "true",
    }),
  },
} as const satisfies Record<Dialect, DialectRow>;

/** The response to a request that failed before its first byte. */
export function errorResponse(error: AditError, dialect: Dialect, requestId: string): Response {
  const row: DialectRow = ROWS[dialect];
  const { kind, details } = error;
  const defaults = errorRow(kind);
  const { allow, retryAfterMs, limit, shouldRetry = defaults.shouldRetry } = details;
  const seconds = retryAfterMs === undefined ? defaults.retryAfterS : Math.ceil(retryAfterMs / 1000);
  const retryAfter = details.retryAfter ?? details.retryAfterS ?? seconds;
  const headers = new Headers({
    "content-type": "application/json",
    ...row.errorHeaders(error, requestId),
    ...(allow === undefined ? {} : { allow }),
    ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    // OpenAI's and Anthropic's clients prefer it to the header in seconds.
    ...(retryAfterMs === undefined ? {} : { "retry-after-ms": String(retryAfterMs) }),
    ...(limit === undefined ? {} : { "x-adit-limit": `${limit.rule};${limit.what}` }),
    ...details.headers,
    ...(shouldRetry === undefined ? {} : { "x-should-retry": String(shouldRetry) }),
  });
  nameRequest(headers, dialect, requestId);
  return new Response(JSON.stringify(row.body(error, requestId)), {
    status: row.status(error),
    headers,
  });
}

/** Sets the headers in which the dialect's clients look for the request id. */
export function nameRequest(headers: Headers, dialect: Dialect, requestId: string): void {
  for (const name of ROWS[dialect].idHeaders) headers.set(name, requestId);
}
