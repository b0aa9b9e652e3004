/** The limits of a request for `adit explain`: rate limits, budgets, and the quotas of its targets. */

import { formatPath, type Path } from "../../base/problems.ts";
import { originOf } from "../../config/effective.ts";
import type { SourceMap } from "../../config/file/source_map.ts";
import { formatDuration } from "../../config/schema/values.ts";
import { usdText } from "../../facts/cost.ts";
import { matchesGlob } from "../../base/glob.ts";
import {
  type Allowance,
  countText,
  type Each,
  type RateLimit,
  rateText,
  type Scope,
} from "../../snapshot/limits.ts";
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

/** The rate limits and budgets that apply to the caller, or to any caller. */
export function limitFacts(plan: Plan, options: LimitFactOptions): readonly Fact[] {
  const { snapshot, caller, sourceMap, learned } = options;
  const callers = caller === undefined ? [...snapshot.callers.values()] : [caller];
  const { subject: model, names } = new ModelIndex(snapshot.models).namesOf(plan);
  const applies = ({ scope }: RateLimit | Budget) =>
    includesModel(scope, names) && callers.some((each) => includesCaller(scope, each));
  const from = (path: Path) => `from ${formatPath(path)} (${originOf(path, sourceMap)})`;
  const facts = [
    ...snapshot.rateLimits.filter(applies)
      .map((rule) => {
        const subject = caller && SUBJECTS[rule.each](caller, model ?? "");
        return { topic: "rate limit", text: `${describeRule(rule, subject, learned)}, ${from(rule.path)}` };
      }),
    ...snapshot.budgets.filter(applies)
      .map((budget) => {
        const subject = caller && subjectOf(budget, caller, model);
        return { topic: "budget", text: `${describeBudget(budget, subject, learned)}, ${from(budget.path)}` };
      }),
  ];
  if (facts.length === 0 || caller === undefined || "unknown" in learned || !learned.needsKey) return facts;
  return [...facts, { topic: "left", text: "unknown: set ADIT_ADMIN_KEY to the key of admin_api" }];
}

const UNITS = { usd: "USD", tokens: "tokens", requests: "requests" } as const satisfies Record<
  BudgetUnit,
  string
>;
const WINDOWS = {
  day: "per day",
  week: "per week",
  month: "per month",
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
  const sharing = sharingText(each, scope);
  const then = typeof whenSpent === "string" ? SPENT[whenSpent] : `then sent to ${whenSpent.use}`;
  const left = subject === undefined ? "" : leftText({ name, subject, what: unit, periodMs: 0 }, learned);
  const cut = cutStreams ? ", and running streams are cut" : "";
  return `${amount} ${UNITS[unit]} ${WINDOWS[window]}${sharing}${left}, ${then}${cut}`;
}

const SPENT = { refuse: "then refused", warn: "then served with a warning" } as const;

const SHARING = {
  caller: "for each caller",
  team: "for each team",
  model: "for each model",
  caller_model: "for each caller and model",
  none: "shared by all",
} as const satisfies Record<Each, string>;

function describeRule(rule: RateLimit, subject: string | undefined, learned: Learned): string {
  const { name, requests, tokens, concurrent, each, scope, mode, waitMs } = rule;
  const left = (what: string, periodMs: number) =>
    subject === undefined ? "" : leftText({ name, subject, what, periodMs }, learned);
  const rate = (what: "requests" | "tokens") => (allowance: Allowance) =>
    `${rateText(allowance, what)}${left(what, allowance.periodMs)}`;
  const limits = [
    ...requests.map(rate("requests")),
    ...tokens.map(rate("tokens")),
    concurrent === undefined
      ? undefined
      : `${countText(concurrent, "concurrent requests")}${left("concurrent", 0)}`,
  ].filter((text) => text !== undefined).join(", ");
  const wait = waitMs === 0 ? "" : `, waits up to ${formatDuration(waitMs)}`;
  return `${limits}${sharingText(each, scope)}${wait}${
    mode === "shadow" ? ", counted but not enforced" : ""
  }`;
}

/** Nothing for the limits of a single caller. */
function sharingText(each: Each, { callers }: Scope): string {
  return each === "none" && callers?.length === 1 ? "" : ` ${SHARING[each]}`;
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
