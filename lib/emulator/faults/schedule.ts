/** Temporary faults: they affect the first requests, every nth one, or all of the first seconds. */

import type { Clock } from "../../base/clock.ts";
import type { FaultRequest } from "./faults.ts";

/** Beyond this number of kinds, the oldest one's count starts over. */
const MAX_KINDS = 1000;

interface Seen {
  readonly sinceMs: number;
  requests: number;
}

/** Counts the requests of each kind for `first`, `every` and `for`; remembers the latest 1000 kinds. */
export class FaultSchedule {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The faults for a request of the kind: all of them, or none if they are not due now. */
  due(faults: readonly FaultRequest[], kind: string): readonly FaultRequest[] {
    const conditions = faults.filter(({ fault }) => fault.kind === "when");
    if (conditions.length === 0) return faults;
    const seen = this.#count(kind);
    const elapsedMs = this.#clock.monotonic() - seen.sinceMs;
    const isDue = conditions.every(({ fault, argument }) =>
      fault.kind !== "when" || fault.isDue({ request: seen.requests, elapsedMs }, argument)
    );
    return isDue ? faults : [];
  }

  #count(kind: string): Seen {
    const seen = this.#seen.get(kind) ?? { sinceMs: this.#clock.monotonic(), requests: 0 };
    seen.requests++;
    this.#seen.set(kind, seen);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MAX_KINDS && oldest !== undefined) this.#seen.delete(oldest);
    return seen;
  }
}
