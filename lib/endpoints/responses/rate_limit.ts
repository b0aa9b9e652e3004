/** Refusals with 429 as the clients of Responses have to see them in order to try again. */

import { AditError, errorRow } from "../../base/errors.ts";
import type { Attempt } from "../../gateway/endpoint.ts";

/** Codex gives up on a throttled request unless it is told when to try again. */
const RETRY_AFTER_S = 2;

/**
 * Makes every refusal with 429 one to retry: AWS's quotas become available again, but `insufficient_quota` makes OpenAI's
 * clients give up.
 */
export function asRateLimit(attempt: Attempt): Attempt {
  const { refused } = attempt;
  if (refused === undefined || errorRow(refused.kind).status !== 429) return attempt;
  const { kind, message, details } = refused;
  const [openAiType, openAiCode] = errorRow("rate_limited").openai;
  const limited = { openAiType, openAiCode, retryAfterS: RETRY_AFTER_S, ...details };
  return { ...attempt, refused: new AditError(kind, message, limited) };
}
