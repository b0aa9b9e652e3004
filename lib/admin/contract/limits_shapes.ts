/** Rules and budgets with what is left of each, as types. */

import type { BudgetView } from "../../snapshot/budget_view.ts";

/** One budget of one subject, with what the budget applies to. */
export interface BudgetUseView extends BudgetView {
  /** As in `RuleView`. */
  readonly applies_to: string;
}

/** `GET /admin/v1/limits?search=&limit=&cursor=`: rules and budgets, each with what is left. */
export interface LimitsView {
  readonly rules: readonly RuleView[];
  readonly budgets: readonly BudgetUseView[];
  /** For both lists, which are cut at `limit` rows each (default 200); null after the last page. */
  readonly next_cursor: string | null;
  readonly rules_total: number;
  readonly budgets_total: number;
}

/** One limit of one rule for one subject that has used it; a rule that nobody has used has an empty subject. */
export interface RuleView {
  readonly rule: string;
  /** Such as `rate_limits.team` or `callers.demo.limits`. */
  readonly setting: string;
  readonly what: "requests" | "tokens" | "concurrent";
  /** `enforce`, or `shadow`: counted but never refused. */
  readonly mode: string;
  /** Who has a limit of their own: `caller`, `team`, `model`, `caller_model` or `none`. */
  readonly each: string;
  /** Whom and what the rule is for, such as `team search; models claude, nova-*`; empty for everything. */
  readonly applies_to: string;
  readonly subject: string;
  readonly limit: number;
  /** 0 for `concurrent`. */
  readonly period_s: number;
  /** The most that can be used at once: `used` and `remaining` are parts of it. */
  readonly at_once: number;
  readonly used: number;
  readonly remaining: number;
  /** Until all of it is there again; 0 for `concurrent`. */
  readonly reset_ms: number;
  /** Of the rule, since the start. */
  readonly refused: number;
  readonly would_refuse: number;
}
