/** Refusals with status 429, in the form that makes clients of Responses try again. */

import { AditError, errorRow } from "../../base/errors.ts";
import type { Attempt } from "../../gateway/endpoint.ts";

/** Codex gives up on a throttled request unless it is told when to try again. */
const RETRY_AFTER_S = 2;

/**
 * Makes every refusal with status 429 retryable: AWS's quotas become available again, but `insufficient_quota` makes
 * OpenAI's clients give up.
 */
export function asRateLimit(attempt: Attempt): Attempt {
  const { refused } = attempt;
  if (refused === undefined || errorRow(refused.kind).status !== 429) return attempt;
  const { kind, message, details } = refused;
  const [openAiType, openAiCode] = errorRow("rate_limited").openai;
  const limited = { openAiType, openAiCode, retryAfterS: RETRY_AFTER_S, ...details };
  return { ...attempt, refused: new AditError(kind, message, limited) };
}
