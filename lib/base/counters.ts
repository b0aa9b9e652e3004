/** Counts by name, bounded: names that come from outside cannot fill the memory. */

/** What names beyond the bound are counted under. */
const REST = "(others)";

/** Counts of the first names that come, 128 unless told; later names share one count, `(others)`. */
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
