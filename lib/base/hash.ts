/** Fingerprints of strings and bytes. */

import { hash } from "node:crypto";

/** SHA-256 of the bytes, or of the string as UTF-8: 64 lowercase hexadecimal digits. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}
