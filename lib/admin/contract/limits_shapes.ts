/** Rules and budgets with their remaining amounts, as types. */

import type { BudgetView } from "../../snapshot/budget_view.ts";

/** One subject's part of a budget, with the scope of the budget. */
export interface BudgetUseView extends BudgetView {
  /** As in `RuleView`. */
  readonly applies_to: string;
}

/** `GET /admin/v1/limits?search=&limit=&cursor=`: rules and budgets with their remaining amounts. */
export interface LimitsView {
  readonly rules: readonly RuleView[];
  readonly budgets: readonly BudgetUseView[];
  /** Applies to both lists, which have at most `limit` rows each (default 200); null after the last page. */
  readonly next_cursor: string | null;
  readonly rules_total: number;
  readonly budgets_total: number;
}

/** One limit of a rule for one subject that has used it. An unused rule has an empty subject. */
export interface RuleView {
  readonly rule: string;
  /** Such as `rate_limits.team` or `callers.demo.limits`. */
  readonly setting: string;
  readonly what: "requests" | "tokens" | "concurrent";
  /** `enforce`, or `shadow`: only counts what it would refuse. */
  readonly mode: string;
  /** Counts separately for each `caller`, `team`, `model` or `caller_model`; `none` counts all together. */
  readonly each: string;
  /** Scope of the rule, such as `team search; models claude, nova-*`; empty for everything. */
  readonly applies_to: string;
  readonly subject: string;
  readonly limit: number;
  /** 0 for `concurrent`. */
  readonly period_s: number;
  /** Maximum that can be used at once: the sum of `used` and `remaining`. */
  readonly at_once: number;
  readonly used: number;
  readonly remaining: number;
  /** Time until all of it is available again; 0 for `concurrent`. */
  readonly reset_ms: number;
  /** Refusals of the whole rule since the start. */
  readonly refused: number;
  readonly would_refuse: number;
}
