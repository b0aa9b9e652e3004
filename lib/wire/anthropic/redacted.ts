/** Anthropic's `redacted_thinking`, whose `data` is the text of the blob that Converse has in base64. */

import { Buffer } from "node:buffer";

/** The blob for Converse, byte for byte. */
export function redactedBlob(data: string): string {
  return Buffer.from(data, "latin1").toString("base64");
}

/** Anthropic's `data` for the blob of a Converse response. Latin-1 preserves every byte if a blob is not text. */
export function redactedData(blob: string): string {
  return Buffer.from(blob, "base64").toString("latin1");
}
