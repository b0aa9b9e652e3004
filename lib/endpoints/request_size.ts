/** The size of a request for a model, read from its parsed body, in any dialect. */

import { Buffer } from "node:buffer";

import { isJsonObject, type JsonObject, type JsonValue } from "../base/json.ts";
import type { RequestSize } from "../gateway/admission/asked.ts";

/** Counts text, images and documents, and finds the limit on the length of the response. */
export function requestSize(body: JsonObject): RequestSize {
  const size = { textBytes: 0, images: 0, documentBytes: 0, maxOutputTokens: maxOutputOf(body) };
  measure(body, size);
  return size;
}

interface Sums {
  textBytes: number;
  images: number;
  documentBytes: number;
}

/** The names of content blocks with media, as their `type` or as the key of a block. */
const IMAGES: ReadonlySet<string> = new Set(["image", "image_url", "input_image"]);
const DOCUMENTS: ReadonlySet<string> = new Set([
  "document",
  "file",
  "input_file",
  "input_audio",
  "audio",
  "video",
]);
/** Keys of encoded bytes. */
const ENCODED: ReadonlySet<string> = new Set(["data", "bytes", "file_data"]);

function measure(value: JsonValue, size: Sums): void {
  if (typeof value === "string") size.textBytes += Buffer.byteLength(value);
  else if (Array.isArray(value)) { for (const item of value) measure(item, size); }
  else if (isJsonObject(value)) measureObject(value, size);
}

function measureObject(value: JsonObject, size: Sums): void {
  const { type } = value;
  if (typeof type === "string" && IMAGES.has(type)) size.images++;
  else if (typeof type === "string" && DOCUMENTS.has(type)) measureDocument(value, size);
  else {
    for (const key of Object.keys(value)) {
      const member = value[key];
      if (member === undefined) continue;
      size.textBytes += key.length;
      if (!isJsonObject(member)) measure(member, size);
      // A block, and not a parameter of a tool with that name.
      else if (key === "image" && member["source"] !== undefined) size.images++;
      else if (DOCUMENTS.has(key)) measureDocument(member, size);
      else measureObject(member, size);
    }
  }
}

/** Text inside a document is text; everything that is encoded counts by its decoded bytes. */
function measureDocument(value: JsonObject, size: Sums): void {
  for (const [key, member] of Object.entries(value)) {
    if (typeof member === "string" && ENCODED.has(key) && value["type"] !== "text") {
      size.documentBytes += Math.floor(member.length * 3 / 4);
    } else if (isJsonObject(member)) measureDocument(member, size);
    else measure(member, size);
  }
}

/** The keys of the limit on the response, in the dialects and in the InvokeModel bodies of model families. */
const LIMITS: readonly { readonly key: string; readonly within?: string }[] = [
  { key: "max_tokens" },
  { key: "max_completion_tokens" },
  { key: "max_output_tokens" },
  { key: "max_tokens_to_sample" },
  { key: "max_gen_len" },
  { key: "maxTokens" },
  { key: "maxTokens", within: "inferenceConfig" },
  { key: "max_new_tokens", within: "inferenceConfig" },
  { key: "maxTokenCount", within: "textGenerationConfig" },
];

function maxOutputOf(body: JsonObject): number | undefined {
  let largest: number | undefined;
  for (const { key, within } of LIMITS) {
    const owner = within === undefined ? body : body[within];
    const value = isJsonObject(owner) ? owner[key] : undefined;
    if (typeof value === "number" && value >= (largest ?? 0)) largest = value;
  }
  return largest;
}
