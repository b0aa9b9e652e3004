/** In-flight calls of all threads: each knows its own by their ids, and all share the number. */

import type { CallSet, Tally } from "./store.ts";

/** A set of calls whose size is a tally. */
export class TalliedCalls implements CallSet {
  readonly #ids = new Set<string>();
  readonly #tally: Tally;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  get size(): number {
    return this.#tally.total;
  }

  add(id: string, max: number): boolean {
    if (!this.#tally.take(1, max)) return false;
    this.#ids.add(id);
    return true;
  }

  delete(id: string): boolean {
    const isKnown = this.#ids.delete(id);
    if (isKnown) this.#tally.give(1);
    return isKnown;
  }
}
