/** Bounded counts by name, so that names chosen by clients cannot fill the memory. */

/** The name that counts all names beyond the limit. */
const REST = "(others)";

/** Counts the first `maxNames` names (default 128) separately and all others as `(others)`. */
export class Counters {
  readonly #counts = new Map<string, number>();
  readonly #maxNames: number;

  constructor(maxNames = 128) {
    this.#maxNames = maxNames;
  }

  add(name: string): void {
    const known = this.#counts.has(name) || this.#counts.size < this.#maxNames;
    const key = known ? name : REST;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  toJSON(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
