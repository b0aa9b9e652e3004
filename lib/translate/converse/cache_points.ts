/** Prompt caching: Anthropic's `cache_control` markers as Converse's `cachePoint` elements. */

import { invalidField } from "../../base/errors.ts";
import type { CachePlace } from "../../facts/traits.ts";
import type { CachePoint } from "../../wire/bedrock/converse.ts";
import type { CacheControl } from "../../wire/anthropic/cache_control.ts";
import type { IgnoredFields } from "./ignored.ts";

/** https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html */
const MAX_CACHE_POINTS = 4;

export interface Mark {
  readonly place: CachePlace;
  readonly cache: CacheControl | undefined;
}

/** Places the cache points of one request. */
export class CachePoints {
  #count = 0;

  constructor(private readonly places: ReadonlySet<CachePlace>, private readonly ignored: IgnoredFields) {}

  /**
   * Puts a cache point after the last element of `list` if there is a marker. If the model does not support caching,
   * or a cache point is not allowed there, the marker is listed as ignored. A fifth marker is refused, as Bedrock
   * does.
   */
  mark(list: object[], { place, cache }: Mark): void {
    if (cache === undefined) return;
    const last = list.at(-1);
    // Bedrock refuses a cache point immediately after reasoning.
    if (last === undefined || "reasoningContent" in last || !this.places.has(place)) {
      this.ignored.add(cache.path.replaceAll(/\[\d+\]/g, "[]"));
      return;
    }
    if ("cachePoint" in last) return;
    if (++this.#count > MAX_CACHE_POINTS) {
      throw invalidField(
        cache.path,
        `a request may have at most ${MAX_CACHE_POINTS} cache markers`,
      );
    }
    list.push({ cachePoint: { type: "default", ttl: cache.ttl } } satisfies CachePoint);
  }
}
