/** Computes how much of a budget a request holds until it has ended. */

import type { AditError } from "../../base/errors.ts";
import { costOf } from "../../facts/cost.ts";
import type { Budget } from "../../snapshot/budget.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import type { Asked } from "../admission/asked.ts";
import { targetPrice } from "../request_cost.ts";
import type { BudgetState } from "./budget_states.ts";
import { budgetUnmetered, priceUnknown } from "./budget_words.ts";

/** If fewer than this many holds of full size are left, every hold has full size. */
const FULL_HOLDS = 20n;

/** Added to estimates of the prompt, which are seldom more than a tenth too small. */
const INPUT_MARGIN = 1.1;

/** The request to be admitted, and the prices at this time. */
export interface Sizing {
  readonly asked: Asked;
  readonly snapshot: Snapshot;
  readonly nowMs: number;
}

export interface HeldSize {
  readonly amount: bigint;
  /** The most that the request can use. */
  readonly full: bigint;
}

/** What a request holds of a budget, and the most that it can use; or the refusal. */
export function sizeOf(budget: Budget, state: BudgetState, sizing: Sizing): HeldSize | AditError {
  const { asked, snapshot } = sizing;
  const { counts, plan } = asked.parts;
  if (budget.unit === "requests") return { amount: 1n, full: 1n };
  // What a guardrail will check is unknown, so nothing is held; a spent budget still refuses it.
  if (counts === "units") return { amount: 0n, full: 1n };
  if (counts === "unmetered") {
    if (budget.whenSpent === "warn") return { amount: 0n, full: 0n };
    return budgetUnmetered(budget);
  }
  const { inputTokens, maxOutputTokens, typicalOutputTokens } = asked.estimate;
  const input = Math.ceil(inputTokens * INPUT_MARGIN);
  const typical = amountOf(budget, { input, output: typicalOutputTokens }, sizing);
  const full = amountOf(budget, { input, output: maxOutputTokens }, sizing);
  if (typical === undefined || full === undefined) {
    // Nothing can be held for an unknown price; whether the request is served is the operator's choice.
    if (snapshot.prices.unknown === "allow" || budget.whenSpent === "warn") {
      return { amount: 0n, full: 1n };
    }
    return priceUnknown(budget, plan.name);
  }
  const isNear = BigInt(budget.limit) - state.used < FULL_HOLDS * full;
  return { amount: budget.reserve === "full" || isNear ? full : typical, full };
}

/** Tokens, or nanodollars by the price of the first target; undefined if that is unknown. */
function amountOf(
  budget: Budget,
  tokens: { readonly input: number; readonly output: number },
  { asked, snapshot, nowMs }: Sizing,
): bigint | undefined {
  if (budget.unit === "tokens") return BigInt(tokens.input + tokens.output);
  const [target] = asked.parts.plan.targets;
  const price = targetPrice(target, snapshot, nowMs);
  if (price === undefined) return undefined;
  const usage = {
    inputTokens: tokens.input,
    outputTokens: tokens.output,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
  };
  const nano = costOf(usage, price.row, target.settings?.defaults.serviceTier);
  return nano === undefined ? undefined : BigInt(nano);
}
