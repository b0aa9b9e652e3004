/** What limits a request: the rules and budgets that apply, and the quotas of its targets, for `adit explain`. */

import { formatPath, type Path } from "../../base/problems.ts";
import { originOf } from "../../config/effective.ts";
import type { SourceMap } from "../../config/file/source_map.ts";
import { formatDuration } from "../../config/schema/values.ts";
import { usdText } from "../../facts/cost.ts";
import { matchesGlob } from "../../base/glob.ts";
import { type Allowance, countText, type Each, type RateLimit, rateText } from "../../snapshot/limits.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import type { Budget, BudgetWindow } from "../../snapshot/budget.ts";
import type { BudgetUnit } from "../../snapshot/budget_view.ts";
import { includesCaller, includesModel, ModelIndex } from "../../snapshot/scope.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";
import { subjectOf } from "../../gateway/budgets/used_before.ts";
import { SUBJECTS } from "../../gateway/limits/rule_book.ts";
import type { Fact } from "./fact.ts";
import { type Learned, leftText } from "./learned.ts";

export interface LimitFactOptions {
  readonly snapshot: Snapshot;
  /** Undefined for any caller. */
  readonly caller: Caller | undefined;
  readonly sourceMap: SourceMap;
  readonly learned: Learned;
}

/** The rules and budgets that apply to a caller's requests, or to some caller's. */
export function limitFacts(plan: Plan, options: LimitFactOptions): readonly Fact[] {
  const { snapshot, caller, sourceMap, learned } = options;
  const callers = caller === undefined ? [...snapshot.callers.values()] : [caller];
  const { subject: model, names } = new ModelIndex(snapshot.models).namesOf(plan);
  const applies = ({ scope }: RateLimit | Budget) =>
    includesModel(scope, names) && callers.some((each) => includesCaller(scope, each));
  const from = (path: Path) => `from ${formatPath(path)} (${originOf(path, sourceMap)})`;
  return [
    ...snapshot.rateLimits.filter(applies)
      .map((rule) => {
        const subject = caller && SUBJECTS[rule.each](caller, model ?? "");
        return { topic: "rate limit", text: `${describe(rule, subject, learned)}, ${from(rule.path)}` };
      }),
    ...snapshot.budgets.filter(applies)
      .map((budget) => {
        const subject = caller && subjectOf(budget, caller, model);
        return { topic: "budget", text: `${describeBudget(budget, subject, learned)}, ${from(budget.path)}` };
      }),
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

function describeBudget(
  { name, unit, limit, window, each, scope, whenSpent, cutStreams }: Budget,
  subject: string | undefined,
  learned: Learned,
): string {
  const amount = unit === "usd" ? usdText(limit) : String(limit);
  const whom = each === "none" && scope.callers?.length === 1 ? "" : ` ${WHOM[each]}`;
  const then = typeof whenSpent === "string" ? SPENT[whenSpent] : `then sent to ${whenSpent.use}`;
  const left = subject === undefined ? "" : leftText({ name, subject, what: unit, periodMs: 0 }, learned);
  const cut = cutStreams ? ", and running streams are cut" : "";
  return `${amount} ${UNITS[unit]} ${WINDOWS[window]}${whom}${left}, ${then}${cut}`;
}

const SPENT = { refuse: "then refused", warn: "then only reported" } as const;

const WHOM = {
  caller: "for each caller",
  team: "for each team",
  model: "for each model",
  caller_model: "for each caller and model",
  none: "for all together",
} as const satisfies Record<Each, string>;

function describe(rule: RateLimit, subject: string | undefined, learned: Learned): string {
  const { name, requests, tokens, concurrent, each, scope, mode, waitMs } = rule;
  const left = (what: string, periodMs: number) =>
    subject === undefined ? "" : leftText({ name, subject, what, periodMs }, learned);
  const rate = (what: "requests" | "tokens") => (allowance: Allowance) =>
    `${rateText(allowance, what)}${left(what, allowance.periodMs)}`;
  // The limits of one caller.
  const whom = each === "none" && scope.callers?.length === 1 ? "" : ` ${WHOM[each]}`;
  const limits = [
    ...requests.map(rate("requests")),
    ...tokens.map(rate("tokens")),
    concurrent === undefined
      ? undefined
      : `${countText(concurrent, "concurrent requests")}${left("concurrent", 0)}`,
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
