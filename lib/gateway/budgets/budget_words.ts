/** The words of budgets: in refusals, in headers, and in the views of operators and callers. */

import { AditError } from "../../base/errors.ts";
import { usdText } from "../../facts/cost.ts";
import type { Budget } from "../../snapshot/budget.ts";
import type { BudgetView } from "../../snapshot/budget_view.ts";
import { countText } from "../../snapshot/limits.ts";
import type { BudgetState } from "./budget_states.ts";
import { windowEndText } from "./windows.ts";

const PERIODS = { day: "a day", week: "a week", month: "a month", total: "in total" } as const;

/** An amount in the unit of the budget. */
export function amountText({ unit }: Pick<Budget, "unit">, amount: bigint): string {
  return unit === "usd" ? usdText(amount) : String(amount);
}

/** The refusal of a request for which the budget has not enough left. */
export function budgetRefusal(
  budget: Budget,
  state: BudgetState,
  { amount, nowMs }: { readonly amount: bigint; readonly nowMs: number },
): AditError {
  const { endMs } = state.window;
  const why = state.spent >= BigInt(budget.limit)
    ? "is spent"
    : `has ${amountText(budget, remainingOf(budget, state))} left, and this request may need ${
      amountText(budget, amount)
    }`;
  return new AditError(
    "budget_spent",
    `refused by this gateway: ${named(budget)} ${why}${againAt(budget, state)}`,
    {
      limit: { rule: budget.name, what: budget.unit },
      headers: { "x-adit-budget": budgetHeader(budget, state) },
      ...(endMs !== undefined && { retryAfterMs: Math.max(1000, endMs - nowMs) }),
    },
  );
}

/** The error that ends a stream. */
export function budgetCut(budget: Budget, state: BudgetState): AditError {
  return new AditError(
    "budget_spent",
    `ended by this gateway: ${named(budget)} has nothing left for this stream${againAt(budget, state)}`,
    { limit: { rule: budget.name, what: budget.unit } },
  );
}

function named({ name, unit, limit, window }: Budget): string {
  const amount = unit === "usd" ? `${usdText(limit)} USD` : countText(limit, unit);
  return `budget ${JSON.stringify(name)} of ${amount} ${PERIODS[window]}`;
}

function againAt({ timeZone }: Budget, { window: { endMs } }: BudgetState): string {
  return endMs === undefined ? "" : `; it resets at ${windowEndText(endMs, timeZone)}`;
}

/** The value of `x-adit-budget` for one budget. */
export function budgetHeader(budget: Budget, state: BudgetState): string {
  const { endMs } = state.window;
  const reset = endMs === undefined ? "" : `;reset=${windowEndText(endMs, budget.timeZone)}`;
  return `${budget.name};remaining=${amountText(budget, remainingOf(budget, state))}${reset}`;
}

/** The refusal of an operation whose usage Bedrock does not report. */
export function budgetUnmetered({ name, unit }: Budget): AditError {
  return new AditError(
    "limit_unmetered",
    `refused by this gateway: budget ${JSON.stringify(name)} counts ${
      unit === "usd" ? "money" : "tokens"
    }, and Bedrock does not report the tokens of this operation`,
    { limit: { rule: name, what: unit } },
  );
}

/** The refusal of a request whose price is unknown. */
export function priceUnknown({ name, unit }: Budget, model: string): AditError {
  return new AditError(
    "price_unknown",
    `refused by this gateway: the price of ${JSON.stringify(model)} is unknown, and budget ${
      JSON.stringify(name)
    } counts money`,
    { limit: { rule: name, what: unit } },
  );
}

function remainingOf({ limit }: Budget, { used }: Pick<BudgetState, "used">): bigint {
  const left = BigInt(limit) - used;
  return left < 0n ? 0n : left;
}

/** The members of a state that the views show. */
export type ShownState = Pick<
  BudgetState,
  "subject" | "window" | "spent" | "held" | "used" | "beyond" | "requests"
>;

/** The view of a budget of one subject. */
export function viewOf(budget: Budget, state: ShownState): BudgetView {
  const text = (amount: bigint) => amountText(budget, amount);
  const { startMs, endMs } = state.window;
  return {
    name: budget.name,
    subject: state.subject,
    unit: budget.unit,
    limit: text(BigInt(budget.limit)),
    spent: text(state.spent),
    held: text(state.held),
    remaining: text(remainingOf(budget, state)),
    worst_case: text(state.used + state.beyond),
    requests: state.requests,
    window_start: endMs === undefined ? null : windowEndText(startMs, budget.timeZone),
    window_end: endMs === undefined ? null : windowEndText(endMs, budget.timeZone),
    when_spent: typeof budget.whenSpent === "string" ? budget.whenSpent : `use ${budget.whenSpent.use}`,
  };
}
