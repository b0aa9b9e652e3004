/** Anthropic's `cache_control`, which clients also put on parts, messages and tools of Chat requests. */

import type { Fields } from "../fields.ts";

/** A cache marker: everything before it is to be cached for `ttl`. */
export interface CacheControl {
  readonly path: string;
  readonly ttl: "5m" | "1h" | undefined;
}

/** The `cache_control` of a part, a message or a tool. */
export function parseCacheControl(fields: Fields): CacheControl | undefined {
  const cache = fields.optionalObject("cache_control");
  if (cache === undefined) return undefined;
  cache.oneOf("type", ["ephemeral"]);
  return { path: cache.path, ttl: cache.optionalOneOf("ttl", ["5m", "1h"]) };
}
