/** A budget as the views show it; the operator's page reads it in a browser. */

/** What a budget counts. */
export const BUDGET_UNITS = ["usd", "tokens", "requests"] as const;
export type BudgetUnit = (typeof BUDGET_UNITS)[number];

/** A budget of one subject, as `GET /admin/v1/budgets` has it. */
export interface BudgetView {
  readonly name: string;
  readonly subject: string;
  readonly unit: BudgetUnit;
  readonly limit: string;
  readonly spent: string;
  /** Reserved for requests in flight. */
  readonly held: string;
  readonly remaining: string;
  /** What would be spent if every in-flight request used all that it may. */
  readonly worst_case: string;
  readonly requests: number;
  /** Null for a budget without an end. */
  readonly window_start: string | null;
  readonly window_end: string | null;
  readonly when_spent: string;
}
