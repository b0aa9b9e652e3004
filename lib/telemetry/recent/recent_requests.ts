/** The last requests, in memory, so that the operator can look at them without a ledger. */

import type { RecordSink, RequestRecord } from "../../snapshot/record.ts";

/** A request and its place in the order in which requests ended. */
export interface RecentRequest {
  /** Counts up from 1. */
  readonly seq: number;
  readonly record: RequestRecord;
}

const MAX_REQUESTS = 1000;

/** Whether the request was a health check, of which a load balancer sends more than all callers. */
export function isProbe({ caller, error }: RequestRecord): boolean {
  return caller === undefined && error === undefined;
}

/** Keeps references to the last thousand records; nothing is formatted until somebody looks. */
export class RecentRequests {
  readonly #records: RequestRecord[] = [];
  #seq = 0;

  readonly sink: RecordSink = (record) => {
    if (isProbe(record)) return;
    this.#records[this.#seq++ % MAX_REQUESTS] = record;
  };

  /** Number of requests in memory. */
  get size(): number {
    return this.#records.length;
  }

  /** From the newest to the oldest; those with a smaller number than `before`, if it is given. */
  *newest(before = Infinity): Generator<RecentRequest> {
    const newest = Math.min(this.#seq, before - 1);
    const oldest = Math.max(1, this.#seq - MAX_REQUESTS + 1);
    for (let seq = newest; seq >= oldest; seq--) {
      const record = this.#records[(seq - 1) % MAX_REQUESTS];
      if (record !== undefined) yield { seq, record };
    }
  }
}
