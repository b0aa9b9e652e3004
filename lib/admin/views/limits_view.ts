/** Rules and budgets with their remaining amounts. */

import type { LimitsView } from "../contract/contract.ts";
import { matches, nextCursor, pageQuery, type ReadQuery, searchIn } from "./pages.ts";
import type { ViewSources } from "./view_sources.ts";

const PAGE = { byDefault: 200, max: 1000 } as const;

/** A page of both lists. */
export function limitsView({ rules, budgets }: ViewSources, read: ReadQuery): LimitsView {
  const search = searchIn(read);
  const page = pageQuery(read, PAGE);
  const { offset, limit } = page;
  const foundRules = rules().filter(({ rule, subject, what, applies_to }) =>
    matches(search, [rule, subject, what, applies_to])
  );
  const foundBudgets = budgets().filter(({ name, subject, unit, applies_to }) =>
    matches(search, [name, subject, unit, applies_to])
  );
  return {
    rules: foundRules.slice(offset, offset + limit),
    budgets: foundBudgets.slice(offset, offset + limit),
    rules_total: foundRules.length,
    budgets_total: foundBudgets.length,
    next_cursor: nextCursor(page, Math.max(foundRules.length, foundBudgets.length)),
  };
}
