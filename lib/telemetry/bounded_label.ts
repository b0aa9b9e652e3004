/** Limits the number of values of a label, because each value is a series that costs memory here and in Prometheus. */

const MAX_VALUES = 1000;
/** The value for all names beyond the limit. */
const OTHERS = "(others)";

/** Keeps the first thousand values; all others share one. */
export class BoundedLabel {
  readonly #known = new Set<string>();
  readonly #maxValues: number;

  constructor(maxValues = MAX_VALUES) {
    this.#maxValues = maxValues;
  }

  /** The names that are values of the label. */
  get names(): readonly string[] {
    return [...this.#known];
  }

  /** The label's value for a name. */
  of(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.#maxValues) return OTHERS;
    this.#known.add(name);
    return name;
  }
}
