/** What the subjects of a budget have used, from the ledger's sums by caller and model. */

import { isGlob } from "../../base/glob.ts";
import type { Budget, UsedBefore } from "../../snapshot/budget.ts";
import { includesCaller, includesModel, type ModelIndex } from "../../snapshot/scope.ts";
import type { Caller } from "../../snapshot/snapshot.ts";

/** By caller, as many budgets are for a single caller. */
export type UsedByCaller = ReadonlyMap<string, readonly UsedBefore[]>;

/** What one subject has used, with the amount in the unit of the budget. */
export interface Used {
  readonly amount: bigint;
  readonly requests: bigint;
}

export const NOTHING: Used = { amount: 0n, requests: 0n };

/** What each subject has used. Callers count with the team and tags that they had at the time. */
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

/** The subject whose budget a request uses; undefined for a budget by model if the model is not known. */
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
