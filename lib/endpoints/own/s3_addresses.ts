/** S3 addresses in requests that are passed on to Bedrock's own APIs: Bedrock would read them with the operator's rights. */

import { Buffer } from "node:buffer";
import { invalidField } from "../../base/errors.ts";
import { isJsonObject, type JsonValue } from "../../base/json.ts";
import type { Caller } from "../../snapshot/snapshot.ts";
import { isListed } from "../native/s3.ts";

/** Members whose value is the address of something: `image_url`, `url`, `file_url`, `uri`, and whatever begins with `s3`. */
const ADDRESS = /(?:^|_)ur[il]$|^s3/i;
const S3 = /^s3:/i;

/** Throws `invalid_request` for the address of an object in a bucket that the caller's `s3` does not list. */
export function refuseForeignAddresses(
  body: Uint8Array,
  parsed: JsonValue,
  { s3 = [] }: Pick<Caller, "s3">,
): void {
  if (!isSuspect(body)) return;
  const path = foreignAddress(parsed, "", s3);
  if (path !== undefined) throw invalidField(path, "this key is not allowed to use this S3 location");
}

/** What a body without an address cannot contain; a string may be spelled with escapes. */
function isSuspect({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return ["s3:", "S3:", "\\u"].some((text) => bytes.includes(text));
}

/** The path of the first one. */
function foreignAddress(value: JsonValue, path: string, buckets: readonly string[]): string | undefined {
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) {
      const found = foreignAddress(each, `${path}[${index}]`, buckets);
      if (found !== undefined) return found;
    }
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      const at = path === "" ? name : `${path}.${name}`;
      // What a tool takes has any names.
      if (name === "tools" || (name === "input" && value["type"] === "tool_use")) continue;
      const isAddress = typeof member === "string" && ADDRESS.test(name) && S3.test(member);
      if (isAddress && !isListed(member, buckets)) return at;
      const found = foreignAddress(member, at, buckets);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
