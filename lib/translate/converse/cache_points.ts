/** Prompt caching: Anthropic's `cache_control` markers as Converse's `cachePoint` elements. */

import { invalidField } from "../../base/errors.ts";
import type { CachePlace, ModelTraits } from "../../facts/traits.ts";
import type { CachePoint, CacheTtl } from "../../wire/bedrock/converse.ts";
import type { CacheControl } from "../../wire/anthropic/cache_control.ts";
import type { IgnoredFields } from "./ignored.ts";

/** https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html */
const MAX_CACHE_POINTS = 4;

export interface Mark {
  readonly place: CachePlace;
  readonly cache: CacheControl | undefined;
}

/** SourceMap the cache points of one request. */
export class CachePoints {
  #count = 0;

  constructor(
    private readonly traits: Pick<ModelTraits, "promptCaching" | "cacheTtls" | "cacheableDocuments">,
    private readonly ignored: IgnoredFields,
  ) {}

  /**
   * Puts a cache point after the last element of `list`, if there is a mark. Where the model caches nothing, or no cache
   * point is allowed, the marker is listed as ignored. A fifth one is refused, as Bedrock would.
   */
  mark(list: object[], { place, cache }: Mark): void {
    if (cache === undefined) return;
    const last = list.at(-1);
    if (last === undefined || !this.#mayFollow(last) || !this.traits.promptCaching.has(place)) {
      this.#ignore(cache.path);
      return;
    }
    if ("cachePoint" in last) return;
    if (++this.#count > MAX_CACHE_POINTS) {
      throw invalidField(
        cache.path,
        `a request may have at most ${MAX_CACHE_POINTS} cache markers`,
      );
    }
    list.push({ cachePoint: { type: "default", ttl: this.#ttl(cache) } } satisfies CachePoint);
  }

  /** Bedrock refuses a cache point right after reasoning, and for Claude after a document that is not a PDF. */
  #mayFollow(last: object): boolean {
    if ("reasoningContent" in last) return false;
    if (this.traits.cacheableDocuments === "any" || !("document" in last)) return true;
    const { document } = last;
    return typeof document === "object" && document !== null && "format" in document &&
      document.format === "pdf";
  }

  /** Five minutes is what a cache point without the member lasts. */
  #ttl({ ttl, path }: CacheControl): CacheTtl | undefined {
    if (ttl === undefined || this.traits.cacheTtls.has(ttl)) return ttl;
    if (ttl !== "5m") this.#ignore(`${path}.ttl`);
    return undefined;
  }

  #ignore(path: string): void {
    this.ignored.add(path.replaceAll(/\[\d+\]/g, "[]"));
  }
}
