/** Whether a request to the admin listener has an operator's key. */

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
 * Whether HTTP Basic can give a request its key. A browser adds the password that it has stored, whoever made it send the
 * request. Browsers name the origin of everything that may change something, and only our own page's has been let through.
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
