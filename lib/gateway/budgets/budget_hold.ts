/** What budgets hold for one request, and what they count when it has ended. */

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

/** What one budget holds for one request, which grows with a stream that it may cut. */
export interface Taking extends Applied {
  amount: bigint;
  beyond: bigint;
  /** Whether the budget ends a stream for which it has no more. */
  readonly isCut: boolean;
}

/** The budgets from which something was taken. */
export interface TakenBudgets {
  settle(takings: readonly Taking[], used: (budget: Budget) => bigint): void;
  cancel(takings: readonly Taking[]): void;
  outgrow(takings: readonly Taking[], used: (budget: Budget) => bigint): AditError | undefined;
  header(takings: readonly Taking[]): string | undefined;
}

/** What budgets hold for one request. */
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

/** In the unit of a budget; an unknown cost counts as none. */
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
