/** Limits the retries that a model adds to the load of its providers, so that an outage is not multiplied. */

/** Retries per second that are always allowed. */
const FREE_PER_SECOND = 3;
/** Maximum number of retries that can be saved up. */
const MAX_SAVED = 20;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A token bucket per model: a share of its requests, plus a few per second. */
export class RetryBudget {
  readonly #buckets = new Map<string, Bucket>();

  /** Records a request, which earns a fraction of a retry. */
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
