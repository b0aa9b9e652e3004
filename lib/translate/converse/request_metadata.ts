/** Request metadata, within Converse's limits. */

import { invalidField } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { unexpected } from "../../wire/fields.ts";

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
const MAX_ENTRIES = 16;
const VALID_KEY = /^[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}$/;
const VALID_VALUE = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/;

/** Validates a caller's metadata; `path` names the field in errors. Neither keys nor values are quoted. */
export function checkMetadata(metadata: JsonObject, path: string): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata);
  if (entries.length > MAX_ENTRIES) {
    throw invalidField(path, `expected at most ${MAX_ENTRIES} entries, found ${entries.length}`);
  }
  const checked = entries.map(([key, value]): [string, string] => {
    if (!VALID_KEY.test(key)) {
      throw invalidField(path, "keys must be 1 to 256 letters, digits, spaces and :_@$#=/+,.-");
    }
    if (typeof value !== "string") throw unexpected(path, "string values", value);
    if (!isMetadataValue(value)) {
      throw invalidField(path, "values must be up to 256 letters, digits, spaces and :_@$#=/+,.-");
    }
    return [key, value];
  });
  return Object.fromEntries(checked);
}

/** Whether Bedrock's alphabet can represent a value. */
export function isMetadataValue(value: string): boolean {
  return VALID_VALUE.test(value);
}
