/** The cost of a request, by the prices of the snapshot with which it began. */

import type { Spent, Usage } from "../base/usage.ts";
import { costOf } from "../facts/cost.ts";
import { type FoundPrice, guardrailPriceOf, priceOf, withGuardrails } from "../facts/price_book.ts";
import type { RequestCost } from "../snapshot/record.ts";
import type { Target } from "../snapshot/plan.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Counted } from "./admission/asked.ts";

/** The price of a target; undefined if it is unknown. */
export function targetPrice(target: Target, { prices }: Snapshot, nowMs: number): FoundPrice | undefined {
  const { provider, modelId, settings } = target;
  return priceOf({ id: modelId, baseModel: settings?.baseModel, region: provider.region }, prices, nowMs);
}

export interface Charged {
  readonly counts: Counted;
  /** Whether a target has worked on the request. */
  readonly accepted: boolean;
  /** The target that was tried last. */
  readonly target: Target | undefined;
  readonly snapshot: Snapshot;
  readonly nowMs: number;
}

/** The cost of a request: 0 if no target accepted it, and unknown if its usage or price is. */
export function requestCost({ usage }: Pick<Spent, "usage">, charged: Charged): RequestCost {
  const { counts, accepted, target, snapshot, nowMs } = charged;
  if (counts === "requests" || target === undefined || (!accepted && isNothing(usage))) {
    return { nano: 0, price: undefined };
  }
  const { guardrail } = usage;
  const checks = guardrail && guardrailPriceOf(target.provider.region, snapshot.prices, nowMs);
  if (counts === "units") {
    return { nano: checks && costOf(usage, checks), price: checks?.id };
  }
  const found = targetPrice(target, snapshot, nowMs);
  if (found === undefined || counts === "unmetered") return { nano: undefined, price: undefined };
  const row = withGuardrails(found.row, checks);
  return { nano: costOf(usage, row, usage.tier), price: row.id };
}

function isNothing(
  { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, images = 0, queries = 0, guardrail }: Usage,
): boolean {
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens + images + queries === 0 &&
    guardrail === undefined;
}
