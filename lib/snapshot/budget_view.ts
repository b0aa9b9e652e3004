/** The view of a budget, which the admin page reads in a browser. */

/** What a budget counts. */
export const BUDGET_UNITS = ["usd", "tokens", "requests"] as const;
export type BudgetUnit = (typeof BUDGET_UNITS)[number];

/** A budget of one subject, in `GET /admin/v1/budgets`. */
export interface BudgetView {
  readonly name: string;
  readonly subject: string;
  readonly unit: BudgetUnit;
  readonly limit: string;
  readonly spent: string;
  /** Reserved for requests in flight. */
  readonly held: string;
  readonly remaining: string;
  /** What would be spent if every in-flight request used the most that it can. */
  readonly worst_case: string;
  readonly requests: number;
  /** Null for a budget without an end. */
  readonly window_start: string | null;
  readonly window_end: string | null;
  readonly when_spent: string;
}
