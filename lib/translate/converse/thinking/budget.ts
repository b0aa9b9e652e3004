/** Thinking budgets, which count toward the limit on the response. */

import type { JsonObject } from "../../../base/json.ts";

/** Room for the response after the thinking budget if the caller sets no limit. */
const ANSWER_TOKENS = 4096;

export interface BudgetLimits {
  /** The caller's or operator's limit, capped at the model's. */
  readonly maxTokens: number | undefined;
  /** The model's limit; undefined if it is not known. */
  readonly maxOutputTokens: number | undefined;
}

/**
 * The `maxTokens` to send: above the thinking budget, as far as the model's limit allows
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html).
 */
export function limitWithBudget(
  budget: number,
  { maxTokens, maxOutputTokens = Infinity }: BudgetLimits,
): number {
  if (maxTokens !== undefined && maxTokens > budget) return maxTokens;
  return Math.min(budget + (maxTokens ?? ANSWER_TOKENS), maxOutputTokens);
}

/** The same for a request that may have no budget. */
export function limitWithThinking(
  thinking: JsonObject | undefined,
  limits: BudgetLimits,
): number | undefined {
  const budget = thinking?.budget_tokens;
  return typeof budget === "number" ? limitWithBudget(budget, limits) : limits.maxTokens;
}
