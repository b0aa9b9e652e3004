/** The body of a request: read within a limit, decompressed, parsed. */

import { gunzipSync } from "node:zlib";
import { concat, decodeUtf8, EMPTY } from "../../base/bytes.ts";
import { isJsonObject, type JsonValue } from "../../base/json.ts";
import { BedrockException, invalid } from "./exception.ts";

/** The service's limit on an InvokeModel body. */
const MAX_BODY_BYTES = 25_000_000;

/** The bytes as sent, gzipped or not; throws above 25 MB. */
export async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  if (request.body === null) return EMPTY;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return concat(chunks);
}

/** The JSON value of a body, which may be gzipped; `undefined` if it is empty. */
export function parseJson(body: Uint8Array<ArrayBuffer>, headers: Headers): JsonValue | undefined {
  const text = decodeUtf8(unpack(body, headers.get("content-encoding")));
  if (text.trim() === "") return undefined;
  const value = parse(text);
  if (isDeeperThan(MAX_DEPTH, value)) throw malformed();
  if (!isWellFormed(value)) {
    throw invalid("The request body is not valid JSON: no low surrogate in string");
  }
  return value;
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed();
  }
}

function malformed(): BedrockException {
  return invalid("Malformed input request, please reformat your input and try again.");
}

/** Deeper values would exhaust the stack of whatever walks through them; the service does not document its limit. */
const MAX_DEPTH = 1000;

function isDeeperThan(depth: number, value: JsonValue): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeperThan(depth - 1, inner));
}

/** Whether no string has an unpaired surrogate, which the service refuses. */
function isWellFormed(value: JsonValue): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (Array.isArray(value)) return value.every(isWellFormed);
  if (!isJsonObject(value)) return true;
  return Object.entries(value).every(([name, inner]) => name.isWellFormed() && isWellFormed(inner));
}

function unpack(body: Uint8Array<ArrayBuffer>, encoding: string | null): Uint8Array {
  if (encoding === null || encoding === "identity") return body;
  if (encoding !== "gzip") throw invalid(`Unsupported content-encoding: ${encoding}`);
  try {
    return gunzipSync(body, { maxOutputLength: MAX_BODY_BYTES });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge();
    throw invalid("Malformed input request, please reformat your input and try again.");
  }
}

function tooLarge(): BedrockException {
  return new BedrockException("RequestEntityTooLargeException", "Request entity too large");
}
