/** What the subjects of a budget have used before, from what the ledger knows of each caller and model. */

import { isGlob } from "../../base/glob.ts";
import type { Budget, UsedBefore } from "../../snapshot/budget.ts";
import { includesCaller, includesModel, type ModelIndex } from "../../snapshot/scope.ts";
import type { Caller } from "../../snapshot/snapshot.ts";

/** By caller, since many budgets have only one. */
export type UsedByCaller = ReadonlyMap<string, readonly UsedBefore[]>;

/** In the unit of the budget. */
export interface Used {
  readonly amount: bigint;
  readonly requests: bigint;
}

export const NOTHING: Used = { amount: 0n, requests: 0n };

/** By subject. Callers have the team and the tags that they had then. */
export function usedBySubject(
  budget: Budget,
  used: UsedByCaller,
  models: ModelIndex,
): ReadonlyMap<string, Used> {
  const bySubject = new Map<string, Used>();
  for (const { caller: name, team, tags, model, ...sums } of rowsFor(budget, used)) {
    const caller = { name, team: team === "" ? undefined : team, tags };
    const { subject: modelName, names } = models.namesOfText(model);
    if (!includesCaller(budget.scope, caller) || !includesModel(budget.scope, names)) continue;
    const subject = subjectOf(budget, caller, modelName) ?? "";
    const { amount, requests } = bySubject.get(subject) ?? NOTHING;
    bySubject.set(subject, {
      amount: amount + AMOUNTS[budget.unit](sums),
      requests: requests + sums.requests,
    });
  }
  return bySubject;
}

function rowsFor({ scope: { callers } }: Budget, used: UsedByCaller): Iterable<UsedBefore> {
  return callers === undefined || callers.some(isGlob)
    ? [...used.values()].flat()
    : [...new Set(callers)].flatMap((name) => used.get(name) ?? []);
}

type Sums = Pick<UsedBefore, "requests" | "tokens" | "costNano">;

const AMOUNTS = {
  usd: ({ costNano }: Sums) => costNano,
  tokens: ({ tokens }: Sums) => tokens,
  requests: ({ requests }: Sums) => requests,
} as const satisfies Record<Budget["unit"], (sums: Sums) => bigint>;

/** Whose budget it is; undefined for one by model while the model is not known. */
export function subjectOf(
  { each }: Budget,
  caller: Pick<Caller, "name" | "team">,
  model: string | undefined,
): string | undefined {
  switch (each) {
    case "caller":
      return caller.name;
    case "team":
      return caller.team ?? "";
    case "model":
      return model;
    case "none":
      return "";
  }
}
