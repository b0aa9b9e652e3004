/** Responses that are read whole: status, JSON body, and the error for any other status. */

import { decodeUtf8, EMPTY } from "../../base/bytes.ts";
import { AditError } from "../../base/errors.ts";
import { parseExactJson } from "../../base/json.ts";
import type { JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { classifyResponse, MAX_ERROR_BYTES } from "./classify.ts";
import type { Exchange, Head } from "../transport/exchange.ts";
import { usageOfHeaders } from "./native_usage.ts";

/** Maximum size of a response that is read whole; Bedrock's own limit is 25 MB. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** The JSON of a response, not yet interpreted. */
export interface JsonAnswer {
  readonly value: JsonValue;
  readonly requestId: string | undefined;
  /** Of the token count headers; undefined if there are none. */
  readonly headerUsage: Usage | undefined;
}

/**
 * Reads a JSON response. Throws the error for an error status, and `upstream_protocol` if the body is not JSON.
 */
export async function readJsonAnswer(exchange: Exchange): Promise<JsonAnswer> {
  const head = await exchange.head();
  if (head.status !== 200) throw await refusalOf(exchange, head);
  const body = await exchange.readAll(MAX_ANSWER_BYTES);
  try {
    return {
      value: parseExactJson(decodeUtf8(body)),
      requestId: requestIdOf(head),
      headerUsage: usageOfHeaders(head.headers),
    };
  } catch {
    // The parser's own message quotes the response, which must not be logged.
    throw new AditError("upstream_protocol");
  }
}

/** Waits for the status, and throws the error for an error status. */
export async function expectSuccess(exchange: Exchange): Promise<Head> {
  const head = await exchange.head();
  if (head.status === 200) return head;
  throw await refusalOf(exchange, head);
}

async function refusalOf(exchange: Exchange, { status, headers }: Head): Promise<AditError> {
  return classifyResponse(status, headers, await readErrorBody(exchange));
}

/** Bedrock's request id. */
export function requestIdOf(head: Head): string | undefined {
  return head.headers.get("x-amzn-requestid") ?? undefined;
}

/** The body of an error; reading it to the end returns the connection to the pool. */
async function readErrorBody(exchange: Exchange): Promise<Uint8Array> {
  try {
    return await exchange.readAll(MAX_ERROR_BYTES);
  } catch {
    return EMPTY;
  }
}
