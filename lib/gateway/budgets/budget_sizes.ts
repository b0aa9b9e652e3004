/** How much of a budget a request holds before it is sent. */

import type { AditError } from "../../base/errors.ts";
import { costOf } from "../../facts/cost.ts";
import type { Budget } from "../../snapshot/budget.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import type { Asked } from "../admission/asked.ts";
import { targetPrice } from "../request_cost.ts";
import type { BudgetState } from "./budget_states.ts";
import { budgetUnmetered, priceUnknown } from "./budget_words.ts";

/** Holds of the largest size below which every hold is of that size. */
const FULL_HOLDS = 20n;

/** Estimates of the prompt are seldom more than this too small. */
const INPUT_MARGIN = 1.1;

/** What is asked for, and the prices of the present. */
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

/** What a request holds of a budget, and the most that it can use; or why it must be refused. */
export function sizeOf(budget: Budget, state: BudgetState, sizing: Sizing): HeldSize | AditError {
  const { asked, snapshot } = sizing;
  const { counts, plan } = asked.parts;
  if (budget.unit === "requests") return { amount: 1n, full: 1n };
  // What a guardrail will check is not known; a spent budget refuses it all the same.
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
    // With an unknown price nothing can be held; whether it is served at all is the operator's choice.
    if (snapshot.prices.unknown === "allow" || budget.whenSpent === "warn") {
      return { amount: 0n, full: 1n };
    }
    return priceUnknown(budget, plan.name);
  }
  const isNear = BigInt(budget.limit) - state.used < FULL_HOLDS * full;
  return { amount: budget.reserve === "full" || isNear ? full : typical, full };
}

/** Tokens, or nanodollars at the first target; undefined if its price is unknown. */
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
