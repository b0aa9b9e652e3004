/** The parts of the ledger that callers may see: their own usage. */

import { AditError } from "../base/errors.ts";
import type { Budgets } from "../gateway/budgets/budgets.ts";
import type { CallerViews } from "../gateway/endpoint.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { PARAMETERS, parseUsageQuery, refuseUnknown } from "../ledger/period.ts";
import { usageView } from "../ledger/views.ts";

/** The views of a ledger. Parameters that name another caller have no effect. */
export function callerViews(
  ledger: Ledger,
  budgets: () => Budgets | undefined,
  nowMs: () => number,
): CallerViews {
  return {
    budgets: (caller) => Promise.resolve(budgets()?.view(caller) ?? []),
    async usage(caller, parameters) {
      refuseUnknown(parameters.keys(), PARAMETERS.usage);
      const query = parseUsageQuery((name) => parameters.get(name), nowMs());
      const { model } = query.filter;
      const filter = { caller: caller.name, ...(model !== undefined && { model }) };
      try {
        return usageView(await ledger.usage({ ...query, filter }), query);
      } catch (cause) {
        throw new AditError("internal", "usage is temporarily unavailable", { cause });
      }
    },
  };
}
