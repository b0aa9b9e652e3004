/** Values of one label, bounded in number: a series for each value costs memory here and in Prometheus. */

const MAX_VALUES = 1000;
/** The value of all others, once there are too many. */
const OTHERS = "(others)";

/** Keeps the first thousand values; all later ones share one. */
export class BoundedLabel {
  readonly #known = new Set<string>();
  readonly #maxValues: number;

  constructor(maxValues = MAX_VALUES) {
    this.#maxValues = maxValues;
  }

  /** The names with a value of their own. */
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
