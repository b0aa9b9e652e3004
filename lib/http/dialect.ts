/** How each dialect spells an answer of Adit's own: errors before the stream and in it, and what fills a silence. */

import { encodeUtf8 } from "../base/bytes.ts";
import { type AditError, errorRow } from "../base/errors.ts";
import { anthropicErrorBody, bedrockErrorBody, openAiErrorBody } from "../wire/errors.ts";

export const DIALECTS = ["openai", "anthropic", "bedrock"] as const;
export type Dialect = (typeof DIALECTS)[number];

interface DialectRow {
  status(error: AditError): number;
  body(error: AditError, requestId: string): unknown;
  headers(error: AditError, requestId: string): Record<string, string>;
}

const ROWS = {
  openai: {
    status: (error) => errorRow(error.kind).status,
    body: openAiErrorBody,
    headers: () => ({}),
  },
  anthropic: {
    status: (error) => errorRow(error.kind).anthropicStatus ?? errorRow(error.kind).status,
    body: anthropicErrorBody,
    headers: (_error, requestId) => ({ "request-id": requestId }),
  },
  bedrock: {
    status: (error) => errorRow(error.kind).bedrockStatus ?? errorRow(error.kind).status,
    body: bedrockErrorBody,
    // AWS SDKs tell errors apart by this header, and show the id as the request's.
    headers: (error, requestId) => ({
      "x-amzn-errortype": errorRow(error.kind).bedrock,
      "x-amzn-requestid": requestId,
      "x-adit-error": "true",
    }),
  },
} as const satisfies Record<Dialect, DialectRow>;

/** The answer to a request that failed before the first byte of its answer. */
export function errorResponse(error: AditError, dialect: Dialect, requestId: string): Response {
  const row: DialectRow = ROWS[dialect];
  const { retryAfterS, shouldRetry } = errorRow(error.kind);
  const retryAfter = error.details.retryAfter ?? retryAfterS;
  return new Response(encodeUtf8(JSON.stringify(row.body(error, requestId))), {
    status: row.status(error),
    headers: {
      "content-type": "application/json",
      "x-request-id": requestId,
      ...row.headers(error, requestId),
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      ...(shouldRetry === undefined ? {} : { "x-should-retry": String(shouldRetry) }),
    },
  });
}
