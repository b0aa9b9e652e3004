/** Decides which requests are traced; the exporter is loaded with the first one. */

import { errorRow } from "../base/errors.ts";
import type { RecordSink, RequestRecord } from "../snapshot/record.ts";
import type { TraceSettings } from "../snapshot/snapshot.ts";
import type { ExporterOptions, TraceCounts, TraceExporter } from "./traces/exporter.ts";

export interface TracesOptions extends Omit<ExporterOptions, "counts"> {
  /** The running configuration's settings; undefined if tracing is off. */
  readonly settings: () => TraceSettings | undefined;
}

/** Traces requests if the configuration names a collector. */
export class LazyTraces {
  readonly counts: TraceCounts = { exported: 0, dropped: 0 };
  readonly #options: TracesOptions;
  #exporter: Promise<TraceExporter> | undefined;

  constructor(options: TracesOptions) {
    this.#options = options;
  }

  readonly sink: RecordSink = (record) => {
    const settings = this.#options.settings();
    if (settings === undefined || !isTraced(record, settings)) return;
    this.#exporter ??= this.#load();
    void this.#exporter.then((exporter) => exporter.add(record, settings));
  };

  /** Sends what waits; resolves when everything has been sent or dropped. */
  async flush(): Promise<void> {
    await (await this.#exporter)?.flush();
  }

  async #load(): Promise<TraceExporter> {
    const { TraceExporter } = await import("./traces/exporter.ts");
    return new TraceExporter({ ...this.#options, counts: this.counts });
  }
}

/** Failures are always traced. Otherwise the caller's decision counts or, without one, the configured share. */
function isTraced(
  { trace, requestId, error, attempts, caller }: RequestRecord,
  { share }: TraceSettings,
): boolean {
  // Health checks and requests without a key would only be noise.
  if (caller === undefined) return false;
  if (error !== undefined && errorRow(error.kind).level !== "info") return true;
  if (attempts.some((attempt) => attempt.error !== undefined)) return true;
  if (trace !== undefined) return trace.sampled;
  return Number.parseInt(requestId.slice(-8), 16) / 2 ** 32 < share;
}
