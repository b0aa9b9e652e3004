/** Prompt caching: Anthropic's `cache_control` markers as Converse's `cachePoint` elements. */

import { invalidField } from "../../base/errors.ts";
import type { CachePlace, ModelTraits } from "../../facts/traits.ts";
import type { CachePoint, CacheTtl } from "../../wire/bedrock/converse.ts";
import type { CacheControl } from "../../wire/anthropic/cache_control.ts";
import { unindexed } from "../../wire/fields.ts";
import type { IgnoredFields } from "./ignored.ts";

/** https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html */
const MAX_CACHE_POINTS = 4;

export interface Mark {
  readonly place: CachePlace;
  readonly cache: CacheControl | undefined;
}

/** The order in which Bedrock reads the parts of a prompt. */
const PROMPT_ORDER: readonly CachePlace[] = ["tools", "system", "messages"];

interface Placed {
  readonly place: CachePlace;
  readonly element: { cachePoint: CachePoint["cachePoint"] };
  readonly path: string;
}

/** Places the cache points of one request. */
export class CachePoints {
  readonly #placed: Placed[] = [];

  constructor(
    private readonly traits: Pick<ModelTraits, "promptCaching" | "cacheTtls" | "cacheableDocuments">,
    private readonly ignored: IgnoredFields,
  ) {}

  /**
   * Puts a cache point after the last element of `list`, if there is a mark. Where the model does not cache or allows
   * no cache point, the mark is listed as ignored. A fifth one is refused, as Bedrock would.
   */
  mark(list: object[], { place, cache }: Mark): void {
    if (cache === undefined) return;
    const last = list.at(-1);
    if (last === undefined || !this.#mayFollow(last) || !this.traits.promptCaching.has(place)) {
      this.#ignore(cache.path);
      return;
    }
    if ("cachePoint" in last) return;
    if (this.#placed.length === MAX_CACHE_POINTS) {
      throw invalidField(
        cache.path,
        `a request may have at most ${MAX_CACHE_POINTS} cache markers`,
      );
    }
    const element: Placed["element"] = { cachePoint: { type: "default", ttl: this.#ttl(cache) } };
    list.push(element);
    this.#placed.push({ place, element, path: cache.path });
  }

  /**
   * Shortens a lifetime of an hour that follows one of five minutes in the order of the prompt, which Bedrock refuses.
   * Call it once all points are placed.
   */
  alignTtls(): void {
    if (this.#placed.length === 0) return;
    let short = false;
    for (
      const { element, path } of PROMPT_ORDER.flatMap((place) =>
        this.#placed.filter((each) => each.place === place)
      )
    ) {
      const { ttl } = element.cachePoint;
      if (ttl !== "1h") short = true;
      else if (short) {
        element.cachePoint = { type: "default", ttl: undefined };
        this.#ignore(`${path}.ttl`);
      }
    }
  }

  /** Bedrock refuses a cache point right after reasoning, and for Claude after a document that is not a PDF. */
  #mayFollow(last: object): boolean {
    if ("reasoningContent" in last) return false;
    if (this.traits.cacheableDocuments === "any" || !("document" in last)) return true;
    const { document } = last;
    return typeof document === "object" && document !== null && "format" in document &&
      document.format === "pdf";
  }

  /** A cache point without `ttl` lasts five minutes. */
  #ttl({ ttl, path }: CacheControl): CacheTtl | undefined {
    if (ttl === undefined || this.traits.cacheTtls.has(ttl)) return ttl;
    if (ttl !== "5m") this.#ignore(`${path}.ttl`);
    return undefined;
  }

  #ignore(path: string): void {
    this.ignored.add(unindexed(path));
  }
}
