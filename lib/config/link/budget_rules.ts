/** Budgets: those of `budgets`, and the short form in a caller's entry. */

import type { Path } from "../../base/problems.ts";
import { seal } from "../../base/secret.ts";
import { type Budget, isTimeZone } from "../../snapshot/budget.ts";
import { BUDGET_UNITS, type BudgetUnit } from "../../snapshot/budget_view.ts";
import type { BudgetConfig, CallerBudgetConfig } from "../schema/budget_keys.ts";
import type { Config } from "../schema/config_file.ts";
import { type BudgetTargets, checkSubstitutes } from "./budget_models.ts";
import { type LimitTargets, linkScope, ownName } from "./limit_rules.ts";

const NANO = 1_000_000_000;

/** The budgets of `budgets`, and one for each caller with a `budget`. Without `state` a restart would forget them. */
export function linkBudgets(
  config: Config,
  entries: ReadonlyMap<string, BudgetConfig>,
  targets: BudgetTargets,
): readonly Budget[] {
  const shared = [...entries].map(([name, entry]): Budget => {
    const path = ["budgets", name];
    const scope = linkScope([...path, "for"], entry.for, targets);
    return { ...linkBudget(path, entry, targets), name, scope, each: entry.each };
  });
  const own = [...targets.callers.keys()].flatMap((name): readonly Budget[] => {
    const entry = config.callers[name]?.budget;
    if (entry === undefined) return [];
    const scope = { callers: [name], teams: undefined, models: undefined, tags: {} };
    return [{
      ...linkBudget(["callers", name, "budget"], entry, targets),
      name: ownName("budgets", name, entries, targets.context),
      scope,
      each: "none",
    }];
  });
  const all = [...shared, ...own];
  checkSubstitutes(all, targets);
  if (config.state === undefined && !targets.context.isSectionCut("state")) {
    for (const { path } of all) {
      targets.context.fail(
        path,
        "budgets need state.path: without it, a restart would forget what was spent",
      );
    }
  }
  return all;
}

function linkBudget(
  path: Path,
  entry: CallerBudgetConfig,
  { context }: LimitTargets,
): Omit<Budget, "name" | "scope" | "each"> {
  const units = BUDGET_UNITS.filter((unit) => entry[unit] !== undefined);
  const unit: BudgetUnit = units[0] ?? "usd";
  if (units.length !== 1) context.fail(path, "set exactly one of usd, tokens and requests");
  if (!isTimeZone(entry.time_zone)) {
    const place = [...path, "time_zone"];
    context.fail(place, `unknown time zone ${context.shown(place, entry.time_zone, [])}`);
  }
  if (entry.cut_streams && unit === "requests") {
    context.fail([...path, "cut_streams"], "needs usd or tokens: a running stream is one request");
  }
  if (entry.cut_streams && entry.when_spent === "warn") {
    context.fail([...path, "cut_streams"], "cannot be combined with when_spent: warn, which refuses nothing");
  }
  const amount = entry[unit] ?? 0;
  return {
    path,
    unit,
    limit: unit === "usd" ? Math.round(amount * NANO) : amount,
    window: entry.window,
    timeZone: entry.time_zone,
    warn: entry.warn.toSorted((one, other) => one - other),
    webhook: entry.webhook === undefined ? undefined : seal(entry.webhook),
    whenSpent: entry.when_spent,
    reserve: entry.reserve,
    cutStreams: entry.cut_streams,
  };
}
