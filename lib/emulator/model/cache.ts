/** Prompt caching: which part of a prompt has been seen before, and how many tokens are read and written. */

import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import type { CacheTtl, Segment } from "./prompt.ts";

export interface CacheAccount {
  /** Tokens that were neither read from the cache nor written to it. */
  readonly inputTokens: number;
  readonly readTokens: number;
  readonly written: Readonly<Record<CacheTtl, number>>;
  /** With either lifetime. */
  readonly writtenTokens: number;
}

const LIFETIME_MS: Readonly<Record<CacheTtl, number>> = { "5m": 5 * 60_000, "1h": 60 * 60_000 };
const MAX_PREFIXES = 1000;

/** Remembers the prefixes before cache points: the latest thousand, each until it expires. */
export class PromptCache {
  readonly #clock: Clock;
  readonly #expiry = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one prompt and remembers it; prefixes below `minTokens` are not cached, as with real models. */
  account(modelId: string, segments: readonly Segment[], minTokens: number): CacheAccount {
    const hash = createHash("sha256").update(modelId);
    const written = { "5m": 0, "1h": 0 };
    let total = 0;
    let cachedTo = 0;
    let readTokens = 0;
    for (const segment of segments) {
      if (segment.kind === "content") {
        hash.update(`${segment.text.length}:${segment.text}`);
        total += segment.tokens;
      } else if (total >= minTokens) {
        if (this.#touch(hash.copy().digest("hex"), segment.ttl)) {
          // If a longer prefix is known, the part counted as written for a shorter one was also read.
          readTokens = total;
          written["5m"] = written["1h"] = 0;
        } else {
          written[segment.ttl] += total - cachedTo;
        }
        cachedTo = total;
      }
    }
    const writtenTokens = written["5m"] + written["1h"];
    return { inputTokens: total - cachedTo, readTokens, written, writtenTokens };
  }

  /** Whether the prefix was known; it is from now on. */
  #touch(key: string, ttl: CacheTtl): boolean {
    const now = this.#clock.now();
    const known = (this.#expiry.get(key) ?? 0) > now;
    this.#expiry.delete(key);
    this.#expiry.set(key, now + LIFETIME_MS[ttl]);
    const [oldest] = this.#expiry.keys();
    if (this.#expiry.size > MAX_PREFIXES && oldest !== undefined) this.#expiry.delete(oldest);
    return known;
  }
}
