/** Redacted thinking: base64 of a blob in Converse, the text of that blob in Anthropic's API. */

import { Buffer } from "node:buffer";

/**
 * Anthropic's `data` for the blob of a Converse response. Latin-1 preserves every byte if a blob is not text.
 */
export function redactedToMessages(blob: string): string {
  return Buffer.from(blob, "base64").toString("latin1");
}

/** The blob to send back to Converse, byte for byte. */
export function redactedToConverse(data: string): string {
  return Buffer.from(data, "latin1").toString("base64");
}

/** Base64 of the concatenated pieces of a stream. */
export function joinBlobs(blobs: readonly string[]): string {
  return Buffer.concat(blobs.map((blob) => Buffer.from(blob, "base64"))).toString("base64");
}
