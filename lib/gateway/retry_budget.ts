/** How many retries a model may add to the load of its providers, so that an outage is not multiplied. */

/** Retries that are always allowed, by the second. */
const FREE_PER_SECOND = 3;
/** Most retries that can be saved up. */
const MAX_SAVED = 20;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A token bucket for each model: a share of its requests, and a few a second. */
export class RetryBudget {
  readonly #buckets = new Map<string, Bucket>();

  /** Notes a request, which earns a share of a retry. */
  earn(model: string, { share, nowMs }: { readonly share: number; readonly nowMs: number }): void {
    const bucket = this.#bucketOf(model, nowMs);
    bucket.tokens = Math.min(MAX_SAVED, bucket.tokens + share);
  }

  /** Takes a retry from the budget, if there is one. */
  spend(model: string, nowMs: number): boolean {
    const bucket = this.#bucketOf(model, nowMs);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #bucketOf(model: string, nowMs: number): Bucket {
    let bucket = this.#buckets.get(model);
    if (bucket === undefined) {
      bucket = { tokens: FREE_PER_SECOND, atMs: nowMs };
      this.#buckets.set(model, bucket);
      return bucket;
    }
    const seconds = Math.max(0, nowMs - bucket.atMs) / 1000;
    bucket.tokens = Math.min(MAX_SAVED, bucket.tokens + FREE_PER_SECOND * Math.min(1, seconds));
    bucket.atMs = nowMs;
    return bucket;
  }
}
