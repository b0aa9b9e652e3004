/** Temporary faults: they only affect the first requests. */

import type { FaultRequest } from "./faults.ts";

/** Beyond this number of kinds, the oldest one's count starts over. */
const MAX_KINDS = 1000;

/** Counts the requests of each kind for `first`; remembers the latest 1000 kinds. */
export class FaultCountdown {
  readonly #seen = new Map<string, number>();

  /** The faults for a request of the kind: all of them, or none if the number of `first` is used up. */
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
