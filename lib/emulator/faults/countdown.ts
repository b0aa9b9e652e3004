/** Faults that pass: the first requests meet them, the later ones do not. */

import type { FaultRequest } from "./faults.ts";

/** More kinds of requests than these and the oldest count from the beginning again. */
const MAX_KINDS = 1000;

/** Counts the requests of each kind for `first`; of kinds, it remembers the latest 1000. */
export class FaultCountdown {
  readonly #seen = new Map<string, number>();

  /** The faults that a request of the kind meets: all of them, or none where `first` says so and its number is used up. */
  due(faults: readonly FaultRequest[], kind: string): readonly FaultRequest[] {
    const first = faults.find(({ fault }) => fault.kind === "first");
    if (first === undefined) return faults;
    const seen = this.#seen.get(kind) ?? 0;
    this.#seen.set(kind, seen + 1);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MAX_KINDS && oldest !== undefined) this.#seen.delete(oldest);
    return seen < (first.argument ?? 1) ? faults : [];
  }
}
