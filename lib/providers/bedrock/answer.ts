/** Answers that are read whole: their status, their JSON, and the error that any other status stands for. */

import { decodeUtf8, EMPTY } from "../../base/bytes.ts";
import { AditError } from "../../base/errors.ts";
import { parseExactJson } from "../../base/json.ts";
import type { JsonValue } from "../../base/json.ts";
import { classifyResponse, MAX_ERROR_BYTES } from "./classify.ts";
import type { Exchange, Head } from "../transport/exchange.ts";

/** Bound on an answer that is read whole; Bedrock's own is 25 MB. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** The JSON of an answer, not yet read any further. */
export interface JsonAnswer {
  readonly value: JsonValue;
  readonly requestId: string | undefined;
}

/** Reads an answer of JSON. Throws what an error status stands for, and `upstream_protocol` for anything but JSON. */
export async function readJsonAnswer(exchange: Exchange): Promise<JsonAnswer> {
  const head = await expectSuccess(exchange);
  const body = await exchange.readAll(MAX_ANSWER_BYTES);
  try {
    return { value: parseExactJson(decodeUtf8(body), body), requestId: requestIdOf(head) };
  } catch {
    // The parser's own message quotes the answer, which no log may hold.
    throw new AditError("upstream_protocol");
  }
}

/** Waits for the status, and throws what an error status stands for. */
export async function expectSuccess(exchange: Exchange): Promise<Head> {
  const head = await exchange.head();
  if (head.status === 200) return head;
  throw classifyResponse(head.status, head.headers, await readErrorBody(exchange));
}

/** Bedrock's own id of the request. */
export function requestIdOf(head: Head): string | undefined {
  return head.headers.get("x-amzn-requestid") ?? undefined;
}

/** An error's body; reading it to its end gives the connection back. */
async function readErrorBody(exchange: Exchange): Promise<Uint8Array> {
  try {
    return await exchange.readAll(MAX_ERROR_BYTES);
  } catch {
    return EMPTY;
  }
}
