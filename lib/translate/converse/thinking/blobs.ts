/** Thoughts that only the model can read: base64 of a blob, which a stream sends in pieces. */

import { Buffer } from "node:buffer";

/** Base64 of the concatenated pieces of a stream. */
export function joinBlobs(blobs: readonly string[]): string {
  return Buffer.concat(blobs.map((blob) => Buffer.from(blob, "base64"))).toString("base64");
}
