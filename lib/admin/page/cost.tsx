/** What requests cost: an unknown price is not zero. */

import { plural, usd } from "./format.ts";

/** Requests and what is known of their cost. */
interface Costs {
  readonly requests: number;
  readonly unpriced_requests: number;
  readonly cost_usd: string;
}

/** The cost as far as it is known, and whether that is all. */
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

/** How many requests the cost lacks; undefined if it lacks none. */
export function unpricedNote({ unpriced_requests }: Costs): string | undefined {
  if (unpriced_requests === 0) return undefined;
  return `without ${plural(unpriced_requests, "request")} of unknown price`;
}
