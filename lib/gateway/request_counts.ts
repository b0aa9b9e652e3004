/** How many requests have gone through, and what was odd about them, for the operator. */

import { Counters } from "../base/counters.ts";
import type { AditError } from "../base/errors.ts";
import type { Call } from "./call.ts";

/** Counts since the start of the process, as `/-/status` shows them. */
export class RequestCounts {
  /** Requests answered, refused or given up. */
  settled = 0;
  /** By the kind of the error. */
  readonly errors = new Counters();
  /** Fields and flags that were left out, by name. */
  readonly ignored = new Counters();
  /** What answers held that nobody knew what to do with, by its description. */
  readonly anomalies = new Counters();

  add(call: Call, error: AditError | undefined): void {
    this.settled++;
    if (error !== undefined) this.errors.add(error.kind);
    for (const name of call.ignored) this.ignored.add(name);
    for (const anomaly of call.anomalies) this.anomalies.add(anomaly);
  }
}
