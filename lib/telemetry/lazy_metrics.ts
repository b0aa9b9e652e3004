/** All metrics: those of requests are counted from the start, the library for the others is loaded after the gateway listens. */

import type { RecordSink } from "../snapshot/record.ts";
import type { GatewayFacts } from "./gateway_facts.ts";
import type { GatewayMetrics } from "./gateway_metrics.ts";
import { RequestMetrics } from "./request_metrics.ts";

export interface MetricsOptions {
  /** Read at each request for the metrics. */
  readonly facts: () => GatewayFacts;
  /** Whether a name is that of a model in the configuration. */
  readonly isModel: (name: string) => boolean;
}

/** Metrics whose library costs a start nothing. */
export class LazyMetrics {
  readonly #facts: () => GatewayFacts;
  readonly #requests: RequestMetrics;
  #gateway: Promise<GatewayMetrics> | undefined;

  constructor({ facts, isModel }: MetricsOptions) {
    this.#facts = facts;
    this.#requests = new RequestMetrics(isModel);
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
