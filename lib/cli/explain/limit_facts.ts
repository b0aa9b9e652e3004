/** What limits a request: the rules and budgets that apply, and the quotas of its targets, for `adit explain`. */

import { formatPath, type Path } from "../../base/problems.ts";
import { originOf } from "../../config/effective.ts";
import type { SourceMap } from "../../config/file/source_map.ts";
import { formatDuration } from "../../config/schema/values.ts";
import { usdText } from "../../facts/cost.ts";
import { matchesGlob } from "../../base/glob.ts";
import { type Each, type RateLimit, rateText } from "../../snapshot/limits.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import type { Budget, BudgetUnit, BudgetWindow } from "../../snapshot/budget.ts";
import { includesCaller, includesModel, ModelIndex } from "../../snapshot/scope.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";
import type { Fact } from "./fact.ts";

export interface LimitFactOptions {
  readonly snapshot: Snapshot;
  /** Undefined for any caller. */
  readonly caller: Caller | undefined;
  readonly sourceMap: SourceMap;
}

/** The rules and budgets that apply to a caller's requests, or to some caller's. */
export function limitFacts(plan: Plan, { snapshot, caller, sourceMap }: LimitFactOptions): readonly Fact[] {
  const callers = caller === undefined ? [...snapshot.callers.values()] : [caller];
  const { names } = new ModelIndex(snapshot.models).namesOf(plan);
  const applies = ({ scope }: RateLimit | Budget) =>
    includesModel(scope, names) && callers.some((each) => includesCaller(scope, each));
  const from = (path: Path) => `from ${formatPath(path)} (${originOf(path, sourceMap)})`;
  return [
    ...snapshot.rateLimits.filter(applies)
      .map((rule) => ({ topic: "rate limit", text: `${describe(rule)}, ${from(rule.path)}` })),
    ...snapshot.budgets.filter(applies)
      .map((budget) => ({ topic: "budget", text: `${describeBudget(budget)}, ${from(budget.path)}` })),
  ];
}

const UNITS = { usd: "USD", tokens: "tokens", requests: "requests" } as const satisfies Record<
  BudgetUnit,
  string
>;
const WINDOWS = {
  day: "a day",
  week: "a week",
  month: "a month",
  total: "in total",
} as const satisfies Record<
  BudgetWindow,
  string
>;

function describeBudget({ unit, limit, window, each, scope, whenSpent }: Budget): string {
  const amount = unit === "usd" ? usdText(limit) : String(limit);
  const whom = each === "none" && scope.callers?.length === 1 ? "" : ` ${WHOM[each]}`;
  const then = typeof whenSpent === "string" ? SPENT[whenSpent] : `then sent to ${whenSpent.use}`;
  return `${amount} ${UNITS[unit]} ${WINDOWS[window]}${whom}, ${then}`;
}

const SPENT = { refuse: "then refused", warn: "then only reported" } as const;

const WHOM = {
  caller: "for each caller",
  team: "for each team",
  model: "for each model",
  caller_model: "for each caller and model",
  none: "for all together",
} as const satisfies Record<Each, string>;

function describe({ requests, tokens, concurrent, each, scope, mode, waitMs }: RateLimit): string {
  // The limits of one caller.
  const whom = each === "none" && scope.callers?.length === 1 ? "" : ` ${WHOM[each]}`;
  const limits = [
    ...requests.map((rate) => rateText(rate, "requests")),
    ...tokens.map((rate) => rateText(rate, "tokens")),
    concurrent === undefined ? undefined : `${concurrent} requests at a time`,
  ].filter((text) => text !== undefined).join(", ");
  const wait = waitMs === 0 ? "" : `, waits up to ${formatDuration(waitMs)}`;
  return `${limits}${whom}${wait}${mode === "shadow" ? ", counted but not enforced" : ""}`;
}

/** The quota of a target's account; empty if none is configured. */
export function quotaText({ provider, modelId }: Target): string {
  const quota = provider.quotas.find(({ match }) => matchesGlob(match, modelId));
  if (quota === undefined) return "";
  return [
    quota.requests && rateText(quota.requests, "requests"),
    quota.tokens && rateText(quota.tokens, "tokens"),
    quota.tokensPerDay === undefined ? undefined : `${quota.tokensPerDay} tokens per day`,
  ].filter((text) => text !== undefined).join(", ");
}
