/** Ended requests kept in memory for the operator's page. */

import type { RecordSink } from "../../snapshot/record.ts";
import { Failures } from "../../telemetry/recent/failures.ts";
import { LiveRates } from "../../telemetry/recent/live_rates.ts";
import { RecentRequests } from "../../telemetry/recent/recent_requests.ts";

export interface LiveSinks {
  readonly recent: RecentRequests;
  readonly rates: LiveRates;
  readonly failures: Failures;
}

/** Empty at the start. */
export function liveSinks(startedMs: number): LiveSinks {
  return { recent: new RecentRequests(), rates: new LiveRates(), failures: new Failures(startedMs) };
}

/** Receive the records of settled requests. */
export function sinksOf({ recent, rates, failures }: LiveSinks): readonly RecordSink[] {
  return [recent.sink, rates.sink, failures.sink];
}
