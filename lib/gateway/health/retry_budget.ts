/** Limits the load that retries add for each model, so that they do not multiply an outage. */

import type { Numbers, Store } from "../../store/store.ts";

/** Retries per second that are always allowed. */
const FREE_PER_SECOND = 3;
/** Maximum number of retries that can be saved up. */
const MAX_SAVED = 20;

/** A token bucket per model, shared by all threads: a share of the model's requests, plus a few retries per second. */
export class RetryBudget {
  readonly #store: Store;
  /** By model: the initial tokens minus those left, so that 0 is a new bucket, and the time of the last change. */
  readonly #buckets = new Map<string, Numbers>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Records a request, which earns a fraction of a retry. */
  earn(model: string, { share, nowMs }: { readonly share: number; readonly nowMs: number }): void {
    this.#bucketOf(model).run(addTokens, { tokens: share, nowMs });
  }

  /** Takes a retry from the budget, if there is one. */
  spend(model: string, nowMs: number): boolean {
    return this.#bucketOf(model).run(addTokens, { tokens: -1, nowMs });
  }

  #bucketOf(model: string): Numbers {
    let bucket = this.#buckets.get(model);
    if (bucket === undefined) {
      bucket = this.#store.numbers(`retries ${model}`, 2);
      this.#buckets.set(model, bucket);
    }
    return bucket;
  }
}

interface Change {
  readonly tokens: number;
  readonly nowMs: number;
}

/** Adds tokens, or takes them if there are enough. Returns whether it has changed the bucket. */
function addTokens(bucket: Float64Array, { tokens, nowMs }: Change): boolean {
  const used = bucket[0] ?? 0;
  const atMs = bucket[1] ?? 0;
  const seconds = atMs === 0 ? 0 : Math.max(0, nowMs - atMs) / 1000;
  const known = Math.min(MAX_SAVED, FREE_PER_SECOND - used + FREE_PER_SECOND * Math.min(1, seconds));
  const isEnough = known + tokens >= 0;
  bucket[0] = FREE_PER_SECOND - (isEnough ? Math.min(MAX_SAVED, known + tokens) : known);
  bucket[1] = Math.max(atMs, nowMs);
  return isEnough;
}
