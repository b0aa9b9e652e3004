/** Checks the models that spent budgets send requests to: they exist, callers may use them, and there are no loops. */

import type { Path } from "../../base/problems.ts";
import { quote } from "../../base/problems.ts";
import { mayUse } from "../../snapshot/access.ts";
import type { Budget } from "../../snapshot/budget.ts";
import { includesCaller, includesModel } from "../../snapshot/scope.ts";
import type { Caller, Model } from "../../snapshot/snapshot.ts";
import type { LimitTargets } from "./limit_rules.ts";

/** What budgets are linked to. */
export interface BudgetTargets extends LimitTargets {
  readonly models: ReadonlyMap<string, Model>;
}

/** A budget that sends requests to another model. */
interface Sending {
  readonly budget: Budget;
  readonly use: string;
}

/** Reports unknown models and loops; warns of callers that may not use a model, and of a guardrail that is lost. */
export function checkSubstitutes(budgets: readonly Budget[], targets: BudgetTargets): void {
  const { context, callers, models } = targets;
  const known = context.namesIn("models");
  const sending = budgets.flatMap((budget): readonly Sending[] =>
    typeof budget.whenSpent === "string" ? [] : [{ budget, use: budget.whenSpent.use }]
  );
  const sound = sending.filter(({ budget, use }) => {
    if (known.includes(use) || context.isSectionCut("models")) return true;
    const path = pathOf(budget);
    context.fail(path, `unknown model ${context.shown(path, use, known)}`);
    return false;
  });
  for (const { budget, use } of sound) {
    const affected = [...callers.values()].filter((caller) => includesCaller(budget.scope, caller));
    const excluded = affected.filter((caller) => !mayUse(caller, use));
    if (excluded.length > 0) context.warn(pathOf(budget), refusedText(use, excluded));
    const guarded = [...models.values()].find((model) =>
      model.name !== use && hasGuardrail(model) && includesModel(budget.scope, [model.name])
    );
    const substitute = models.get(use);
    if (guarded !== undefined && substitute !== undefined && !hasGuardrail(substitute)) {
      context.warn(
        pathOf(budget),
        `requests for ${quote(guarded.name)}, which has a guardrail, are sent to ${
          quote(use)
        }, which has none`,
      );
    }
  }
  reportLoops(sound, targets);
}

/** Whether every target of a model has a guardrail. */
function hasGuardrail({ targets }: Model): boolean {
  return targets.every(({ guardrail }) => guardrail !== undefined);
}

function pathOf({ path }: Budget): Path {
  return [...path, "when_spent", "use"];
}

function refusedText(use: string, [first, ...others]: readonly Caller[]): string {
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `caller ${quote(first?.name ?? "")}${more} may not use ${quote(use)} and will be refused instead`;
}

/** Each loop is reported once, at one of its budgets, however many callers it concerns. */
function reportLoops(all: readonly Sending[], { context, callers }: LimitTargets): void {
  const seen = new Set<string>();
  const reported = new Set<string>();
  for (const caller of callers.values()) {
    const own = all.filter(({ budget }) => includesCaller(budget.scope, caller));
    const key = own.map(({ budget: { name } }) => name).join(" ");
    if (own.length < 2 || seen.has(key)) continue;
    seen.add(key);
    for (const { use } of own) {
      const loop = loopFrom(use, own);
      const [first] = loop;
      const members = loop.map(({ budget: { name } }) => name).toSorted().join(" ");
      if (first === undefined || reported.has(members)) continue;
      reported.add(members);
      const models = [...loop.map((each) => each.use), use];
      context.fail(pathOf(first.budget), `loop: ${models.join(" -> ")}`);
    }
  }
}

/** The budgets that send requests for a model back to it, beginning with the last of them; empty if there are none. */
function loopFrom(model: string, all: readonly Sending[]): readonly Sending[] {
  const visited = new Set<string>();
  const follow = (trail: readonly Sending[], at: string): readonly Sending[] | undefined => {
    if (visited.has(at)) return undefined;
    visited.add(at);
    for (const next of all) {
      if (next.use === at || !includesModel(next.budget.scope, [at])) continue;
      if (next.use === model) return [next, ...trail];
      const loop = follow([...trail, next], next.use);
      if (loop !== undefined) return loop;
    }
    return undefined;
  };
  return follow([], model) ?? [];
}
