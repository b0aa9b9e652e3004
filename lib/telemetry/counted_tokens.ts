/** The tokens of a request in the log and the metrics, which add up to those in the ledger. */

import type { Usage } from "../base/usage.ts";
import type { RequestRecord } from "../snapshot/record.ts";

/**
 * What Bedrock reported, or what the request counts as if a part of that is estimated. Rerankers are billed by searches
 * instead of tokens; the estimate of theirs is for limits only. Undefined if nothing was reported or estimated.
 */
export function countedTokens({ usage, spent }: RequestRecord): Usage | undefined {
  const isEstimated = spent?.estimated === true && usage?.queries === undefined;
  return isEstimated ? spent.usage : usage;
}
