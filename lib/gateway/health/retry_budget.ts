/** Limits the retries that a model adds to the load of its providers, so that an outage is not multiplied. */

import type { Numbers, Store } from "../../store/store.ts";

/** Retries per second that are always allowed. */
const FREE_PER_SECOND = 3;
/** Maximum number of retries that can be saved up. */
const MAX_SAVED = 20;

/** A token bucket per model, which all threads share: a share of its requests, plus a few per second. */
export class RetryBudget {
  readonly #store: Store;
  /** By model: the tokens that were used of the first ones, and when that was. */
  readonly #buckets = new Map<string, Numbers>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Records a request, which earns a fraction of a retry. */
  earn(model: string, { share, nowMs }: { readonly share: number; readonly nowMs: number }): void {
    this.#change(model, nowMs, (tokens) => Math.min(MAX_SAVED, tokens + share));
  }

  /** Takes a retry from the budget, if there is one. */
  spend(model: string, nowMs: number): boolean {
    let isTaken = false;
    this.#change(model, nowMs, (tokens) => {
      isTaken = tokens >= 1;
      return isTaken ? tokens - 1 : tokens;
    });
    return isTaken;
  }

  #change(model: string, nowMs: number, change: (tokens: number) => number): void {
    this.#bucketOf(model).run((bucket) => {
      const [used = 0, atMs = 0] = bucket;
      const seconds = atMs === 0 ? 0 : Math.max(0, nowMs - atMs) / 1000;
      const tokens = Math.min(MAX_SAVED, FREE_PER_SECOND - used + FREE_PER_SECOND * Math.min(1, seconds));
      bucket[0] = FREE_PER_SECOND - change(tokens);
      bucket[1] = Math.max(atMs, nowMs);
    });
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
