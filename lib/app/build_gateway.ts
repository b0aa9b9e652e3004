/** Assembles a gateway: credentials, upstream, pipeline, and the sinks of settled requests. */

import type { Clock, TimerWheel } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { router } from "../endpoints/router.ts";
import { Pipeline } from "../gateway/pipeline.ts";
import { ProviderCredentials } from "../providers/bedrock/provider_credentials.ts";
import { Upstream, type UpstreamOptions } from "../providers/upstream.ts";
import type { RecordSink } from "../snapshot/record.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { requestLog } from "../telemetry/log_line.ts";
import { RequestCounts } from "../telemetry/request_counts.ts";

export interface GatewayParts extends Omit<UpstreamOptions, "credentials"> {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly snapshot: Snapshot;
}

export interface Gateway {
  readonly pipeline: Pipeline;
  readonly credentials: ProviderCredentials;
  /** Counts of the requests settled since the start. */
  readonly counts: RequestCounts;
}

/** The gateway without its sockets. */
export function buildGateway({ logger, snapshot, ...parts }: GatewayParts): Gateway {
  const { clock, timers } = parts;
  const credentials = new ProviderCredentials({ clock, logger });
  const upstream = new Upstream({ ...parts, credentials });
  const counts = new RequestCounts();
  const sinks: readonly RecordSink[] = [requestLog(logger), (record) => counts.add(record)];
  const pipeline = new Pipeline({ clock, timers, upstream, router, snapshot, sinks });
  return { pipeline, credentials, counts };
}
