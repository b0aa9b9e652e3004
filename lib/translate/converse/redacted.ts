/** Redacted thinking: base64 of Converse's blob there, the text inside the blob in Anthropic's API. */

import { Buffer } from "node:buffer";

/** Anthropic's `data` for the blob of a Converse answer. Latin-1 keeps every byte, should a blob not be text. */
export function redactedToMessages(blob: string): string {
  return Buffer.from(blob, "base64").toString("latin1");
}

/** The blob to send back to Converse, byte for byte. */
export function redactedToConverse(data: string): string {
  return Buffer.from(data, "latin1").toString("base64");
}

/** Base64 of all the bytes, of which each piece of a stream holds some. */
export function joinBlobs(blobs: readonly string[]): string {
  return Buffer.concat(blobs.map((blob) => Buffer.from(blob, "base64"))).toString("base64");
}
