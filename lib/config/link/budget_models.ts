/** Checks the models that spent budgets send requests to: they exist, may be used, and lead nowhere back. */

import type { Path } from "../../base/problems.ts";
import { quote } from "../../base/problems.ts";
import { mayUse } from "../../snapshot/access.ts";
import type { Budget } from "../../snapshot/budget.ts";
import { includesCaller, includesModel } from "../../snapshot/scope.ts";
import type { Caller } from "../../snapshot/snapshot.ts";
import type { LimitTargets } from "./limit_rules.ts";

/** A budget that sends requests to another model. */
interface Sending {
  readonly budget: Budget;
  readonly use: string;
}

/** Reports models that do not exist, that no caller of the budget may use, and circles. */
export function checkSubstitutes(budgets: readonly Budget[], targets: LimitTargets): void {
  const { context, callers } = targets;
  const known = context.namesIn("models");
  const sending = budgets.flatMap((budget): readonly Sending[] =>
    typeof budget.whenSpent === "string" ? [] : [{ budget, use: budget.whenSpent.use }]
  );
  const sound = sending.filter(({ budget, use }) => {
    if (known.includes(use)) return true;
    const path = pathOf(budget);
    context.fail(path, `unknown model ${context.shown(path, use, known)}`);
    return false;
  });
  for (const { budget, use } of sound) {
    const affected = [...callers.values()].filter((caller) => includesCaller(budget.scope, caller));
    const excluded = affected.filter((caller) => !mayUse(caller, use));
    if (excluded.length > 0) context.warn(pathOf(budget), refusedText(use, excluded));
  }
  reportCircles(sound, targets);
}

function pathOf({ path }: Budget): Path {
  return [...path, "when_spent", "use"];
}

function refusedText(use: string, [first, ...others]: readonly Caller[]): string {
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `caller ${quote(first?.name ?? "")}${more} may not use ${quote(use)} and will be refused instead`;
}

/** Each circle is reported once, at one of its budgets, however many callers it concerns. */
function reportCircles(all: readonly Sending[], { context, callers }: LimitTargets): void {
  const seen = new Set<string>();
  const reported = new Set<string>();
  for (const caller of callers.values()) {
    const own = all.filter(({ budget }) => includesCaller(budget.scope, caller));
    const key = own.map(({ budget: { name } }) => name).join(" ");
    if (own.length < 2 || seen.has(key)) continue;
    seen.add(key);
    for (const start of own) {
      const circle = circleFrom(start, own);
      if (circle === undefined) continue;
      const members = circle.map(({ budget: { name } }) => name).toSorted().join(" ");
      if (reported.has(members)) continue;
      reported.add(members);
      const models = [start.use, ...circle.slice(1).map(({ use }) => use), start.use].map(quote);
      context.fail(pathOf(start.budget), `sends requests in a circle: ${models.join(", then ")}`);
    }
  }
}

/** The budgets that send a request for the model of the first one back to that model; undefined for none. */
function circleFrom(start: Sending, all: readonly Sending[]): readonly Sending[] | undefined {
  const visited = new Set<string>();
  const follow = (way: readonly Sending[], at: string): readonly Sending[] | undefined => {
    if (visited.has(at)) return undefined;
    visited.add(at);
    for (const next of all) {
      if (next.use === at || !includesModel(next.budget.scope, [at])) continue;
      if (next.use === start.use) return way;
      const circle = follow([...way, next], next.use);
      if (circle !== undefined) return circle;
    }
    return undefined;
  };
  return follow([start], start.use);
}
