/** Budgets as a test writes them, and prices by which they count. */

import { compilePrices } from "../../lib/facts/price_table.ts";
import type { Budget } from "../../lib/snapshot/budget.ts";
import type { Scope } from "../../lib/snapshot/limits.ts";
import type { PriceSettings } from "../../lib/snapshot/snapshot.ts";

/** The parts of a budget that a test may set. */
interface BudgetParts extends Partial<Omit<Budget, "scope">> {
  readonly scope?: Partial<Scope>;
}

/** A budget of one US dollar a month that all requests share, unless the parts say otherwise. */
export function budget(name: string, { scope, ...parts }: BudgetParts = {}): Budget {
  return {
    name,
    path: ["budgets", name],
    scope: { callers: undefined, teams: undefined, models: undefined, tags: {}, ...scope },
    each: "none",
    unit: "usd",
    limit: 1_000_000_000,
    window: "month",
    timeZone: "UTC",
    warn: [],
    whenSpent: "refuse",
    webhook: undefined,
    reserve: "typical",
    cutStreams: false,
    ...parts,
  };
}

/** The same price for input and output of every model, in US dollars per million tokens. */
export function flatPrices(usd: string, unknown: PriceSettings["unknown"] = "allow"): PriceSettings {
  const rows = compilePrices([{ match: "*", usd_per_million: { input: usd, output: usd } }], "prices_file");
  return { rows, unknown, assume: undefined };
}
