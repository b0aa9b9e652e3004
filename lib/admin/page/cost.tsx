/** Cost of requests, where an unknown price is not zero. */

import { plural, usd } from "./format.ts";

/** The known cost of a number of requests. */
interface Costs {
  readonly requests: number;
  readonly unpriced_requests: number;
  readonly cost_usd: string;
}

/** The known cost, marked if it is incomplete. */
export function costOf(costs: Costs) {
  const { unpriced_requests: unpriced, requests, cost_usd } = costs;
  if (unpriced === 0) return usd(cost_usd);
  if (unpriced === requests) return <span class="dim">unknown</span>;
  return (
    <span title={unpricedNote(costs)}>
      <span class="dim">at least</span> {usd(cost_usd)}
    </span>
  );
}

/** How many requests are missing from the cost; undefined if none are. */
export function unpricedNote({ unpriced_requests }: Costs): string | undefined {
  if (unpriced_requests === 0) return undefined;
  return `excludes ${plural(unpriced_requests, "request")} with unknown price`;
}
