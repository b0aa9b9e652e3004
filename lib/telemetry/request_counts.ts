/** Counts of requests, errors, ignored fields and anomalies. */

import { Counters } from "../base/counters.ts";
import { codeOf } from "../base/errors.ts";
import type { RequestRecord } from "../snapshot/record.ts";

/** Counts since the start of the process, as in `/-/status`. */
export class RequestCounts {
  /** Requests answered, refused or aborted. */
  settled = 0;
  /** By the code of the error. */
  readonly errors = new Counters();
  /** Ignored fields and flags, by name. */
  readonly ignored = new Counters();
  /** Anomalies of responses, by their description. */
  readonly anomalies = new Counters();

  add({ error, ignored, anomalies }: RequestRecord): void {
    this.settled++;
    if (error !== undefined) this.errors.add(codeOf(error.kind));
    for (const name of ignored) this.ignored.add(name);
    for (const anomaly of anomalies) this.anomalies.add(anomaly);
  }
}
