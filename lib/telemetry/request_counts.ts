/** How many requests have gone through, and what was odd about them, for the operator. */

import { Counters } from "../base/counters.ts";
import type { RequestRecord } from "../snapshot/record.ts";

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

  add({ error, ignored, anomalies }: RequestRecord): void {
    this.settled++;
    if (error !== undefined) this.errors.add(error.kind);
    for (const name of ignored) this.ignored.add(name);
    for (const anomaly of anomalies) this.anomalies.add(anomaly);
  }
}
