/** What one request holds of its budgets, and what it has used of them when it has ended. */

import type { AditError } from "../../base/errors.ts";
import type { Spent, Usage } from "../../base/usage.ts";
import type { Budget } from "../../snapshot/budget.ts";
import type { BudgetUnit } from "../../snapshot/budget_view.ts";
import type { Held } from "../admission/admit.ts";
import type { BudgetState } from "./budget_states.ts";

/** A budget that applies to a request, with the state of its subject. */
export interface Applied {
  readonly budget: Budget;
  readonly state: BudgetState;
}

/** What one request holds of one budget; grows during a stream if the budget may cut it. */
export interface Taking extends Applied {
  amount: bigint;
  beyond: bigint;
  /** Whether the budget ends the stream when nothing is left. */
  readonly isCut: boolean;
}

/** The part of `Budgets` that a hold needs. */
export interface TakenBudgets {
  settle(takings: readonly Taking[], used: (budget: Budget) => bigint): void;
  cancel(takings: readonly Taking[]): void;
  outgrow(takings: readonly Taking[], used: (budget: Budget) => bigint): AditError | undefined;
  header(takings: readonly Taking[]): string | undefined;
}

/** What one request holds of its budgets. */
export class BudgetHold implements Held {
  readonly #takings: readonly Taking[];
  readonly #budgets: TakenBudgets;
  readonly outgrow: Held["outgrow"];

  constructor(takings: readonly Taking[], budgets: TakenBudgets) {
    this.#takings = takings;
    this.#budgets = budgets;
    this.outgrow = takings.some(({ isCut }) => isCut)
      ? ({ usage }, costNano) => budgets.outgrow(takings, ({ unit }) => usedOf(unit, usage, costNano))
      : undefined;
  }

  cancel(): void {
    this.#budgets.cancel(this.#takings);
  }

  settle({ usage }: Spent, costNano: number | undefined): void {
    this.#budgets.settle(this.#takings, ({ unit }) => usedOf(unit, usage, costNano));
  }

  addHeaders(headers: Headers): void {
    const value = this.#budgets.header(this.#takings);
    if (value !== undefined) headers.set("x-adit-budget", value);
  }
}

/** What was used, in the unit of a budget; an unknown cost counts as 0. */
function usedOf(unit: BudgetUnit, usage: Usage, costNano: number | undefined): bigint {
  switch (unit) {
    case "usd":
      return BigInt(costNano ?? 0);
    case "tokens":
      return BigInt(tokensOf(usage));
    case "requests":
      return 1n;
  }
}

function tokensOf({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Usage): number {
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
}
