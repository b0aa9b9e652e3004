/** The usage ledger of the process and the features built on it. Loaded only if the configuration has `state`. */

import type { Clock, TimerWheel } from "../base/clock.ts";
import type { Logger } from "../base/log/log.ts";
import { BudgetStates } from "../gateway/budgets/budget_states.ts";
import type { Budgets } from "../gateway/budgets/budgets.ts";
import type { CallerViews } from "../gateway/endpoint.ts";
import { Ledger } from "../ledger/ledger.ts";
import { ledgerThread } from "../ledger/thread.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { BudgetRefills } from "./budget_refills.ts";
import { callerViews } from "./caller_views.ts";

export interface KeptUsageOptions {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  readonly runtime: Pick<Runtime, "startWorker">;
}

/** The ledger and what the gateway derives from it. */
export interface KeptUsage {
  readonly ledger: Ledger;
  readonly refills: BudgetRefills;
  /** The views that callers may see. */
  readonly views: (budgets: () => Budgets | undefined) => CallerViews;
}

/** Opens the ledger. Rejects if the gateway must not run without it. */
export async function openUsage(
  settings: NonNullable<Snapshot["state"]>,
  budgets: Snapshot["budgets"],
  { clock, timers, logger, runtime }: KeptUsageOptions,
): Promise<KeptUsage> {
  const startThread = () => ledgerThread(runtime.startWorker);
  const { ledger, budgets: kept } = await Ledger.open({ startThread, clock, timers, logger, settings });
  for (const [budget, amount] of BudgetStates.heldIn(kept.rows)) {
    logger.log(
      "warn",
      "the previous process left requests unsettled; their reserved amounts count as spent",
      {
        budget,
        amount: String(amount),
      },
    );
  }
  return {
    ledger,
    refills: new BudgetRefills({ clock, logger, ledger, kept, budgets }),
    views: (current) => callerViews(ledger, current, () => clock.now()),
  };
}
