/** Collects what a translation leaves out, to be named in `x-adit-ignored`: nothing is lost in silence. */

/** A bound on the header, whatever a caller invents. */
const MAX_NAMES = 32;

/** A set of names, each once and at most 32 of them. */
export class IgnoredFields {
  readonly #names = new Set<string>();

  constructor(names: Iterable<string> = []) {
    for (const name of names) this.add(name);
  }

  /** Notes the path of a field, without indexes; a name that cannot stand in a header is told as `(unprintable)`. */
  add(name: string): void {
    if (this.#names.size < MAX_NAMES) {
      this.#names.add(/^[\w.$[\]-]{1,64}$/.test(name) ? name : "(unprintable)");
    }
  }

  /** In the order in which they were noted. */
  list(): readonly string[] {
    return [...this.#names];
  }
}
