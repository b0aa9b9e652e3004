/** Metrics whose library is loaded after the gateway listens, so that a start costs nothing. */

import type { RecordSink, RequestRecord } from "../snapshot/record.ts";
import type { Metrics, MetricsOptions } from "./metrics.ts";

/** Records that are kept until the library is loaded; it is loaded at once when there are as many. */
const MAX_WAITING = 1000;

/** Counts requests from the start, whenever the library is loaded. */
export class LazyMetrics {
  readonly #options: MetricsOptions;
  #waiting: RequestRecord[] = [];
  #metrics: Metrics | undefined;
  #loading: Promise<Metrics> | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
  }

  readonly sink: RecordSink = (record) => {
    if (this.#metrics !== undefined) return this.#metrics.add(record);
    this.#waiting.push(record);
    if (this.#waiting.length >= MAX_WAITING) void this.load();
  };

  /** Loads the library. */
  load(): Promise<Metrics> {
    return this.#loading ??= this.#load();
  }

  /** Everything in the text format. */
  async text(): Promise<string> {
    return await (await this.load()).text();
  }

  async #load(): Promise<Metrics> {
    const { Metrics } = await import("./metrics.ts");
    const metrics = new Metrics(this.#options);
    for (const record of this.#waiting) metrics.add(record);
    this.#waiting = [];
    this.#metrics = metrics;
    return metrics;
  }
}
