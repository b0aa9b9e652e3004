/** All metrics: those of requests are counted from the start, the library for the others is loaded after the gateway listens. */

import type { RecordSink } from "../snapshot/record.ts";
import type { GatewayFacts } from "./gateway_facts.ts";
import type { GatewayMetrics } from "./gateway_metrics.ts";
import { type ConfiguredNames, RequestMetrics } from "./request_metrics.ts";

export interface MetricsOptions extends ConfiguredNames {
  /** Read at each request for the metrics. */
  readonly facts: () => GatewayFacts;
}

/** Metrics whose library costs a start nothing. */
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

  /** Everything in the text format. */
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
