/** What the gateway keeps on disk, and its views: the usage ledger and the budgets. */

import { budgetsApi } from "../admin/budgets_api.ts";
import type { AdminApi } from "../admin/api.ts";
import { usageApi } from "../admin/usage_api.ts";
import type { Clock, TimerWheel } from "../base/clock.ts";
import type { Logger } from "../base/log/log.ts";
import { BudgetStates } from "../gateway/budgets/budget_states.ts";
import type { Budgets } from "../gateway/budgets/budgets.ts";
import { Ledger, type LedgerStatus } from "../ledger/ledger.ts";
import { ledgerThread } from "../ledger/thread.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { RecordSink } from "../snapshot/record.ts";
import type { AdminApiAccess, Snapshot } from "../snapshot/snapshot.ts";
import type { GatewayParts } from "./build_gateway.ts";
import { BudgetRefills } from "./budget_refills.ts";
import { callerViews } from "./caller_views.ts";

export interface StateOptions {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly runtime: Pick<Runtime, "startWorker">;
}

/** What the admin views need of the listener. */
export interface StateViewOptions {
  readonly access: () => AdminApiAccess | undefined;
  /** The running configuration. */
  readonly snapshot: () => Snapshot;
  readonly readBody: (request: Request) => Promise<Uint8Array>;
}

/** One per process; without `state` in the configuration, nothing is kept. */
export class State {
  readonly #options: StateOptions;
  readonly #ledger: Ledger | undefined;
  readonly #refills: BudgetRefills | undefined;
  #budgets: Budgets | undefined;

  private constructor(options: StateOptions, ledger?: Ledger, refills?: BudgetRefills) {
    this.#options = options;
    this.#ledger = ledger;
    this.#refills = refills;
  }

  /** Opens the ledger. Rejects if the gateway must not run without it. */
  static async open({ state: settings, budgets }: Snapshot, options: StateOptions): Promise<State> {
    if (settings === undefined) return new State(options);
    const { clock, timers, logger, runtime } = options;
    const startThread = () => ledgerThread(runtime.startWorker);
    const { ledger, budgets: kept } = await Ledger.open({ startThread, clock, timers, logger, settings });
    for (const [budget, amount] of BudgetStates.heldIn(kept.rows)) {
      logger.log("warn", "requests of the last process were not settled; what they held counts as spent", {
        budget,
        amount: String(amount),
      });
    }
    return new State(options, ledger, new BudgetRefills({ clock, logger, ledger, kept, budgets }));
  }

  /** Receive the records of settled requests. */
  get sinks(): readonly RecordSink[] {
    return this.#ledger === undefined ? [] : [this.#ledger.add];
  }

  /** What the gateway is assembled with. */
  get parts(): Pick<GatewayParts, "views" | "budgets"> {
    const ledger = this.#ledger;
    if (ledger === undefined) return {};
    const budgets = () => this.#budgets;
    return {
      views: callerViews(ledger, budgets, () => this.#options.clock.now()),
      budgets: { rows: this.#refills?.rows ?? [], onChanged: () => ledger.touch() },
    };
  }

  /** Keeps these budgets from now on. */
  keep(budgets: Budgets): void {
    this.#budgets = budgets;
    this.#ledger?.persist(budgets.takeChanged);
    void this.#refills?.start(budgets);
  }

  /** The views and corrections on the admin listener. */
  adminApi({ access, snapshot, readBody }: StateViewOptions, budgets: Budgets): AdminApi {
    const { clock, logger } = this.#options;
    const usage = usageApi({ ledger: this.#ledger, access, snapshot, nowMs: () => clock.now() });
    const corrections = budgetsApi({
      budgets,
      access,
      readBody,
      audit: (correction) => {
        logger.log("info", "budget corrected through the admin API", { ...correction });
        const { action, subject, budget } = correction;
        const event = {
          kind: `budget ${action}`,
          subject: `${budget} ${subject}`,
          json: JSON.stringify(correction),
        };
        this.#ledger?.note(event);
      },
    });
    return (request) => usage(request) ?? corrections(request);
  }

  /** The ledger is opened at the start only, since two cannot be written at once. */
  use({ state, budgets }: Snapshot): void {
    if (this.#budgets !== undefined) void this.#refills?.use(this.#budgets, budgets);
    if (state !== undefined && this.#ledger !== undefined) return this.#ledger.use(state);
    if ((state === undefined) !== (this.#ledger === undefined)) {
      this.#options.logger.log("warn", "state changes with the next start");
    }
  }

  get status(): LedgerStatus | undefined {
    return this.#ledger?.status;
  }

  /** Whether the ledger does what the configuration requires. */
  get isReady(): boolean {
    return this.#ledger?.isReady ?? true;
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    await this.#ledger?.close();
  }
}
