/**
 * S3 locations in requests whose members reach Bedrock unchanged. Bedrock reads and writes them with the operator's
 * rights, so a caller may only use the buckets that its `s3` lists.
 */

import { decodeUtf8, encodeUtf8, latin1Text } from "../base/bytes.ts";
import { type AditError, invalidField } from "../base/errors.ts";
import { matchesGlob } from "../base/glob.ts";
import { type JsonValue, parseJsonBody } from "../base/json.ts";
import { findNames, findStrings } from "../base/json_text/json_names.ts";
import { jsonText } from "../base/json_text/json_text.ts";
import type { Caller, Limits } from "../snapshot/snapshot.ts";

/** Converse's `s3Location`, StartAsyncInvoke's `outputDataConfig`, and the equivalents of models. */
const LOCATION = /^(?:s3\w*|outputDataConfig)$/i;
const INSIDE_LOCATION = /(?:^|[.\]])(?:s3\w*|outputDataConfig)(?:[.[]|$)/i;

/** Members of a location that say where it is. */
const URI = /^(?:uri|s3\w*)$/i;
const BUCKET = /bucket(?:_?name)?$/i;

/**
 * Members elsewhere that have the address of something, such as `image_url`, `url`, `imageUri` and `video_urls`.
 * `source` is not among them: in search results, it says where a text was found, which Bedrock does not read.
 */
const ADDRESS = /ur[il]s?$|^s3/i;
const S3 = /^\s*s3:/i;

/** Parts whose members have any name: the input and results of tools, and schemas. */
const FREE_FORM =
  /^(?:input\.converse\.)?(?:messages\[\d+\]\.content\[\d+\]\.(?:(?:toolUse\.)?input|toolResult\.content\[\d+\]\.json)|(?:toolConfig\.|input\[\d+\]\.)?tools\[\d+\])[.[]/;

/** What a body without a location cannot contain; a name may be spelled with escapes. */
const SUSPECT = /"\s*(?:s3|outputDataConfig)|\\u/i;

/** The same in lower case, for a search that makes no strings: long ones cost more than the search in them. */
const SUSPECT_NAMES = ["s3", "outputdataconfig"].map(encodeUtf8);
/** A byte order mark and a character in UTF-32. */
const LONGEST_START = 8;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
/** Makes an ASCII letter lower case, and leaves a digit as it is. */
const LOWER = 0x20;

/** Throws `invalid_request` for a location of a native request in a bucket that the caller's `s3` does not list. */
export function refuseForeignBuckets(
  body: Uint8Array,
  { s3 = [] }: Pick<Caller, "s3">,
  { jsonDepth, jsonValues }: Pick<Limits, "jsonDepth" | "jsonValues">,
): void {
  if (!isSuspect(body)) return;
  parseJsonBody(body, { maxDepth: jsonDepth, maxValues: jsonValues });
  const text = decodeUtf8(body);
  if (s3.length === 0) {
    const found = findNames(text, (name) => LOCATION.test(name)).find(({ path }) => !FREE_FORM.test(path));
    if (found !== undefined) throw refusal(found.path);
  }
  refuseForeignStrings(text, s3);
}

/** The same for the body of another API, which is known to be valid, and whose other members may have any name. */
export function refuseForeignAddresses(body: Uint8Array, { s3 = [] }: Pick<Caller, "s3">): void {
  // Most bodies have none of these. On Deno 2.9.6, a search in bytes takes fifty times as long as one in text.
  const text = latin1Text(body);
  if (!text.includes("s3") && !text.includes("S3") && !text.includes("\\u")) return;
  if (!isSuspect(body)) return;
  refuseForeignStrings(decodeUtf8(body), s3);
}

/** The same for the part of a request at `path`, which the model gets unchanged. */
export function refuseForeignAddressesIn(
  value: JsonValue,
  path: string,
  { s3 = [] }: Pick<Caller, "s3">,
): void {
  const prefix = new RegExp(`^${path}[.[]`);
  refuseForeignStrings(jsonText({ [path]: value }), s3, prefix);
}

/** Parsers differ in which of two equal names they take, so the text itself is searched. */
function refuseForeignStrings(text: string, buckets: readonly string[], within?: RegExp): void {
  const strings = findStrings(
    text,
    (name, start) => START.test(text.slice(start, start + 64)) || URI.test(name) || BUCKET.test(name),
  );
  for (const { path, name, value } of strings) {
    if (within === undefined ? FREE_FORM.test(path) : !within.test(path)) continue;
    const isInside = INSIDE_LOCATION.test(path);
    const isUri = S3.test(value) ? isInside || ADDRESS.test(name) : isInside && URI.test(name);
    const isForeign = isUri
      ? !isListed(value, buckets)
      : isInside && BUCKET.test(name) && !isBucketListed(value, buckets);
    if (isForeign) throw refusal(path);
  }
}

/** The beginning of a string that may be an S3 address, with its quote. */
const START = /^"(?:\s|\\[nrtu])*(?:s|\\u00[57]3)/i;

function refusal(path: string): AditError {
  return invalidField(path, "this key is not allowed to use this S3 location");
}

function isSuspect(body: Uint8Array): boolean {
  // Some parsers also read UTF-16 or UTF-32, in which the ASCII characters that a text begins with have zeros next to them.
  if (hasZero(body, LONGEST_START)) {
    return SUSPECT.test(decodeUtf8(body.filter((byte) => byte !== 0)));
  }
  for (let at = body.indexOf(QUOTE); at !== -1; at = body.indexOf(QUOTE, at + 1)) {
    if (body[at + 1] === BACKSLASH && body[at + 2] === LOWER_U) return true;
    for (const name of SUSPECT_NAMES) if (mayBeAt(body, at + 1, name)) return true;
  }
  return false;
}

function hasZero(body: Uint8Array, within: number): boolean {
  for (let at = 0; at < within; at++) if (body[at] === 0) return true;
  return false;
}

/** Whether the name is at the offset, or begins there and continues with an escape. */
function mayBeAt(body: Uint8Array, from: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) {
    const byte = body[from + index];
    if (byte === undefined) return false;
    if ((byte | LOWER) !== name[index]) return index > 0 && byte === BACKSLASH;
  }
  return true;
}

/** Whether a URI such as `s3://bucket/key` is in one of the buckets. */
function isListed(uri: string, buckets: readonly string[]): boolean {
  const bucket = /^s3:\/\/([^/]+)(?:\/|$)/.exec(uri)?.[1];
  return bucket !== undefined && isBucketListed(bucket, buckets);
}

function isBucketListed(bucket: string, buckets: readonly string[]): boolean {
  return buckets.some((glob) => matchesGlob(glob, bucket));
}
