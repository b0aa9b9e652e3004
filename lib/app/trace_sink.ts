/** Sends traces of requests to the configured collector, and logs when that fails. */

import type { TimerWheel } from "../base/clock.ts";
import { randomFraction } from "../base/ids.ts";
import type { Logger } from "../base/log/log.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { TraceSettings } from "../snapshot/snapshot.ts";
import { LazyTraces } from "../telemetry/lazy_traces.ts";

export interface TraceSinkOptions {
  readonly runtime: Pick<Runtime, "fetch">;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly version: string;
  /** The running configuration's settings; undefined if tracing is off. */
  readonly settings: () => TraceSettings | undefined;
}

/** The traces of the process. */
export function traceSink({ runtime, timers, logger, version, settings }: TraceSinkOptions): LazyTraces {
  return new LazyTraces({
    settings,
    fetch: runtime.fetch,
    timers,
    version,
    random: randomFraction,
    onChange: (failure) =>
      failure === undefined
        ? logger.log("info", "sending traces again")
        : logger.log("warn", "dropping traces: the collector failed", { error: failure }),
  });
}
