/** S3 locations in native requests: Bedrock reads and writes them with the operator's rights. */

import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { invalidField } from "../../base/errors.ts";
import { matchesGlob } from "../../base/glob.ts";
import { parseJsonBody } from "../../base/json.ts";
import { findNames, stringAt } from "../../base/json_text/json_names.ts";
import type { Caller, Limits } from "../../snapshot/snapshot.ts";

/** Converse's `s3Location`, StartAsyncInvoke's `outputDataConfig`, and the equivalents of models. */
const LOCATION = /^(?:s3\w*|outputDataConfig)$/i;
const INSIDE_LOCATION = /(?:^|[.\]])(?:s3\w*|outputDataConfig)(?:[.[]|$)/i;
const URI = /^(?:uri|s3\w*)$/i;

/** Parts whose members have any name: the input and results of tools, and schemas. */
const FREE_FORM =
  /^(?:messages\[\d+\]\.content\[\d+\]\.(?:(?:toolUse\.)?input|toolResult\.content\[\d+\]\.json)|(?:toolConfig\.)?tools\[\d+\])[.[]/;

/** What a body without a location cannot contain; a name may be spelled with escapes. */
const SUSPECT = /"(?:s3|outputDataConfig)|\\u/i;

/** The same in lower case, for a search that makes no strings: long ones cost more than the search in them. */
const SUSPECT_NAMES = ["s3", "outputdataconfig"].map(encodeUtf8);
/** A byte order mark and a character in UTF-32. */
const LONGEST_START = 8;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
/** Makes an ASCII letter lower case, and leaves a digit as it is. */
const LOWER = 0x20;

/** Throws `invalid_request` for a location in a bucket that the caller's `s3` does not list. */
export function refuseForeignBuckets(
  body: Uint8Array,
  { s3 = [] }: Pick<Caller, "s3">,
  { jsonDepth, jsonValues }: Pick<Limits, "jsonDepth" | "jsonValues">,
): void {
  if (!isSuspect(body)) return;
  parseJsonBody(body, { maxDepth: jsonDepth, maxValues: jsonValues });
  const text = decodeUtf8(body);
  for (const { path, name, at } of findNames(text, (name) => LOCATION.test(name) || URI.test(name))) {
    if (FREE_FORM.test(path) || !INSIDE_LOCATION.test(path)) continue;
    const uri = URI.test(name) ? stringAt(text, at) : undefined;
    if (s3.length === 0 || (uri !== undefined && !isListed(uri, s3))) {
      throw invalidField(path, "this key is not allowed to use this S3 location");
    }
  }
}

function isSuspect(body: Uint8Array): boolean {
  // Some parsers also read UTF-16 or UTF-32, in which the ASCII characters that a text begins with have zeros next to them.
  if (body.subarray(0, LONGEST_START).includes(0)) {
    return SUSPECT.test(decodeUtf8(body.filter((byte) => byte !== 0)));
  }
  for (let at = body.indexOf(QUOTE); at !== -1; at = body.indexOf(QUOTE, at + 1)) {
    if (body[at + 1] === BACKSLASH && body[at + 2] === LOWER_U) return true;
    if (SUSPECT_NAMES.some((name) => mayBeAt(body, at + 1, name))) return true;
  }
  return false;
}

/** Whether the name is at the offset, or begins there and goes on with an escape. */
function mayBeAt(body: Uint8Array, from: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) {
    const byte = body[from + index];
    if (byte === undefined) return false;
    if ((byte | LOWER) !== name[index]) return index > 0 && byte === BACKSLASH;
  }
  return true;
}

/** Whether a URI such as `s3://bucket/key` is in one of the buckets. */
export function isListed(uri: string, buckets: readonly string[]): boolean {
  const bucket = /^s3:\/\/([^/]+)(?:\/|$)/.exec(uri)?.[1];
  return bucket !== undefined && buckets.some((glob) => matchesGlob(glob, bucket));
}
