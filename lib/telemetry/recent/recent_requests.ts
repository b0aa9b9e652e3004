/** The last requests, kept in memory so that the operator can see them without a ledger. */

import type { RecordSink, RequestRecord } from "../../snapshot/record.ts";

/** A request and its place in the order in which requests ended. */
export interface RecentRequest {
  /** Counts up from 1. */
  readonly seq: number;
  readonly record: RequestRecord;
}

const MAX_REQUESTS = 1000;

/** Whether the request was a health check; load balancers send more of those than callers send requests. */
export function isProbe({ caller, error }: RequestRecord): boolean {
  return caller === undefined && error === undefined;
}

/** Keeps references to the last thousand records; they are formatted only when viewed. */
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

  /** From newest to oldest; only those with a number below `before`. */
  *newest(before = Infinity): Generator<RecentRequest> {
    const newest = Math.min(this.#seq, before - 1);
    const oldest = Math.max(1, this.#seq - MAX_REQUESTS + 1);
    for (let seq = newest; seq >= oldest; seq--) {
      const record = this.#records[(seq - 1) % MAX_REQUESTS];
      if (record !== undefined) yield { seq, record };
    }
  }
}
