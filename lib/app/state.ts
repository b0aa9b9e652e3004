/** The state kept on disk: the usage ledger and the budgets. */

import type { Logger } from "../base/log/log.ts";
import type { Budgets } from "../gateway/budgets/budgets.ts";
import type { Ledger, LedgerStatus } from "../ledger/ledger.ts";
import type { RecordSink } from "../snapshot/record.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { GatewayParts } from "./build_gateway.ts";
import type { KeptUsage, KeptUsageOptions } from "./kept_usage.ts";

/** One per process; without `state` in the configuration, nothing is stored. */
export class State {
  readonly #logger: Logger;
  readonly #usage: KeptUsage | undefined;
  #budgets: Budgets | undefined;

  private constructor(logger: Logger, usage?: KeptUsage) {
    this.#logger = logger;
    this.#usage = usage;
  }

  /** Opens the ledger. Rejects if the gateway must not run without it. */
  static async open({ state, budgets }: Snapshot, options: KeptUsageOptions): Promise<State> {
    if (state === undefined) return new State(options.logger);
    const { openUsage } = await import("./kept_usage.ts");
    return new State(options.logger, await openUsage(state, budgets, options));
  }

  get ledger(): Ledger | undefined {
    return this.#usage?.ledger;
  }

  /** Receive the records of settled requests. */
  get sinks(): readonly RecordSink[] {
    return this.ledger === undefined ? [] : [this.ledger.add];
  }

  /** The parts to assemble the gateway with. */
  get parts(): Pick<GatewayParts, "views" | "budgets"> {
    const usage = this.#usage;
    if (usage === undefined) return {};
    const { ledger, refills } = usage;
    return {
      views: usage.views(() => this.#budgets),
      budgets: { rows: refills.rows, onChanged: () => ledger.touch() },
    };
  }

  /** Keeps these budgets from now on. */
  keep(budgets: Budgets): void {
    this.#budgets = budgets;
    this.ledger?.persist(budgets.takeChanged);
    void this.#usage?.refills.start(budgets);
  }

  /** Changes settings, but not whether there is a ledger, which is only opened at the start. */
  use({ state, budgets }: Snapshot): void {
    if (this.#budgets !== undefined) void this.#usage?.refills.use(this.#budgets, budgets);
    if (state !== undefined && this.ledger !== undefined) return this.ledger.use(state);
    if ((state === undefined) !== (this.ledger === undefined)) {
      this.#logger.log("warn", "a change of state takes effect at the next start");
    }
  }

  get status(): LedgerStatus | undefined {
    return this.ledger?.status;
  }

  /** False if the configuration requires the ledger and it cannot be written. */
  get isReady(): boolean {
    return this.ledger?.isReady ?? true;
  }

  /** Writes the remaining rows and closes the file. */
  async close(): Promise<void> {
    await this.ledger?.close();
  }
}
