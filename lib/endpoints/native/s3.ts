/** S3 locations in native requests: Bedrock reads and writes them with the operator's rights. */

import { decodeUtf8 } from "../../base/bytes.ts";
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
/** Longer than the longest match. */
const OVERLAP = 32;
/** Long strings cost more than the search in them. */
const WINDOW = 16 * 1024;

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
  for (let from = 0; from < body.length; from += WINDOW - OVERLAP) {
    const text = decodeUtf8(body.subarray(from, from + WINDOW));
    // Some parsers also read UTF-16, whose ASCII characters are the same ones with zeros between them.
    if (text.includes("\0")) return SUSPECT.test(decodeUtf8(body.filter((byte) => byte !== 0)));
    if (SUSPECT.test(text)) return true;
  }
  return false;
}

function isListed(uri: string, buckets: readonly string[]): boolean {
  const bucket = /^s3:\/\/([^/]+)(?:\/|$)/.exec(uri)?.[1];
  return bucket !== undefined && buckets.some((glob) => matchesGlob(glob, bucket));
}
