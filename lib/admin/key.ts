/** Whether a request to the admin listener has an operator's key. */

import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";

/**
 * Whether the bearer token is one of the keys with these SHA-256 hashes in hex. Hashes are compared, so that the time
 * taken reveals nothing about a key.
 */
export function hasKey(headers: Headers, hashes: readonly string[]): boolean {
  const [, key = ""] = /^bearer[ \t]+(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  if (key === "") return false;
  const digest = createHash("sha256").update(key).digest();
  return hashes.some((hash) => timingSafeEqual(digest, Buffer.from(hash, "hex")));
}
