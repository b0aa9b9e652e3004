/** Serves the traffic threads from the main thread: records, log lines, credentials, usage and budgets. */

import { AditError } from "../../base/errors.ts";
import type { Logger } from "../../base/log/log.ts";
import type { CallerViews } from "../../gateway/endpoint.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import type { RecordSink, RequestRecord } from "../../snapshot/record.ts";
import type { Caller } from "../../snapshot/snapshot.ts";
import type { Gateway } from "../build_gateway.ts";
import type { Settled } from "./thread_messages.ts";
import type { ThreadHost } from "./traffic_thread.ts";

export interface ThreadHostOptions {
  /** The main thread's gateway; its counts and limits are those of the process. */
  readonly gateway: Gateway;
  readonly logger: Logger;
  readonly emulator: Fetch;
  /** Receive the records of all threads. */
  readonly sinks: readonly RecordSink[];
  /** Undefined without a usage ledger. */
  readonly views: CallerViews | undefined;
  /** Resolves when the reports on all ended requests have arrived. */
  readonly flush: () => Promise<void>;
}

/** The host of all traffic threads. */
export function threadHost(
  { gateway, logger, emulator, sinks, views, flush }: ThreadHostOptions,
): ThreadHost {
  const { credentials, counts, health, limits, budgets, pipeline } = gateway;
  const viewsOf = (name: string): { readonly views: CallerViews; readonly caller: Caller } => {
    const caller = pipeline.snapshot.callers.get(name);
    if (views === undefined || caller === undefined) throw new AditError("invalid_key");
    return { views, caller };
  };
  return {
    emulator,
    settled: ({ records, levels, lines, budgets: changed, dropped }: Settled) => {
      for (const state of changed) budgets.noteChanged(state);
      const settled: readonly RequestRecord[] = JSON.parse(records);
      for (const record of settled) {
        counts.add(record);
        for (const sink of sinks) sink(record);
      }
      const texts = lines.split("\n");
      for (const [index, level] of levels.entries()) logger.add(level, texts[index] ?? "");
      if (dropped > 0) logger.log("warn", "records and log lines of requests dropped", { dropped });
    },
    hasViews: views !== undefined,
    keyPair: (question) => credentials.keyPairFor(question),
    usage: async (name, parameters) => {
      const { views, caller } = viewsOf(name);
      await flush();
      return await views.usage(caller, new URLSearchParams(parameters));
    },
    budgets: async (name) => {
      const { views, caller } = viewsOf(name);
      await flush();
      return await views.budgets(caller);
    },
    usedTarget: (place) => health.noteUsed(place),
    usedLimit: (subject) => limits.noteUsed(subject),
  };
}
