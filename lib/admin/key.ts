/** Checks the operator's key in requests to the admin listener. */

import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";

/**
 * Whether the bearer token, or the password of HTTP Basic, is one of the keys with these SHA-256 hashes in hex. Hashes
 * are compared, so that the time taken reveals nothing about a key.
 */
export function hasKey(request: Request, hashes: readonly string[]): boolean {
  const key = keyIn(request);
  if (key === "") return false;
  const digest = createHash("sha256").update(key).digest();
  return hashes.some((hash) => timingSafeEqual(digest, Buffer.from(hash, "hex")));
}

/**
 * Whether a request may send its key with HTTP Basic. A browser adds a stored password to requests from any page. But
 * it also names the origin of every request that can change something, and only our own page's origin passes before
 * this.
 */
export function mayUseBasic({ headers, method }: Request): boolean {
  return method === "GET" || method === "HEAD" || headers.has("origin");
}

function keyIn(request: Request): string {
  const [, scheme = "", value = ""] =
    /^(bearer|basic)[ \t]+(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  if (scheme.toLowerCase() !== "basic") return value;
  if (!mayUseBasic(request)) return "";
  const [, password = ""] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, "base64").toString()) ?? [];
  return password;
}
