/** Collects the fields that a translation ignores, for `x-adit-ignored`: nothing is dropped silently. */

/** Limits the size of the header. */
const MAX_NAMES = 32;

/** A set of at most 32 names. */
export class IgnoredFields {
  /** Undefined while there are none. */
  #names: Set<string> | undefined;

  constructor(names: Iterable<string> = []) {
    for (const name of names) this.add(name);
  }

  /**
   * Adds the path of a field, without indexes; a name that is not allowed in a header becomes `(unprintable)`.
   */
  add(name: string): void {
    this.#names ??= new Set();
    if (this.#names.size < MAX_NAMES) {
      this.#names.add(/^[\w.$[\]-]{1,64}$/.test(name) ? name : "(unprintable)");
    }
  }

  /** In the order they were added. */
  list(): readonly string[] {
    return this.#names === undefined ? [] : [...this.#names];
  }
}
