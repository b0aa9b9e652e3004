/** All metrics. Requests are counted from the start; the library for the other metrics is loaded later. */

import type { RecordSink } from "../snapshot/record.ts";
import type { GatewayFacts } from "./gateway_facts.ts";
import type { GatewayMetrics } from "./gateway_metrics.ts";
import { type ConfiguredNames, RequestMetrics } from "./request_metrics.ts";

export interface MetricsOptions extends ConfiguredNames {
  /** Called for each scrape. */
  readonly facts: () => GatewayFacts;
}

/** Metrics whose library does not slow down the start. */
export class LazyMetrics {
  readonly #facts: () => GatewayFacts;
  readonly #requests: RequestMetrics;
  #gateway: Promise<GatewayMetrics> | undefined;

  constructor({ facts, ...configured }: MetricsOptions) {
    this.#facts = facts;
    this.#requests = new RequestMetrics(configured);
  }

  readonly sink: RecordSink = (record) => this.#requests.add(record);

  /** Loads the library. */
  async load(): Promise<void> {
    await this.#loaded();
  }

  /** All metrics in the text format. */
  async text(): Promise<string> {
    const gateway = await this.#loaded();
    return `${this.#requests.text()}\n${await gateway.text()}`;
  }

  #loaded(): Promise<GatewayMetrics> {
    return this.#gateway ??= import("./gateway_metrics.ts").then(({ GatewayMetrics }) =>
      new GatewayMetrics(this.#facts)
    );
  }
}
