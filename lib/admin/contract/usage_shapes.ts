/** Sums of usage and cost, as types. */

/**
 * `GET /admin/v1/usage?from=&to=&tz=&group_by=caller,day&filter.team=…` from the ledger; `format=csv` or `ndjson` for a
 * file. `GET /admin/v1/usage/export` has every request of a period in these formats. 404 without `state`.
 */
export interface UsageView {
  readonly from: string;
  readonly to: string;
  readonly tz: string;
  readonly rows: readonly UsageRowView[];
  readonly total: UsageSumsView;
}

export interface UsageSumsView {
  readonly requests: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly cache_write_1h_tokens: number;
  readonly reasoning_tokens: number;
  readonly images: number;
  readonly cost_usd: string;
  /** Requests with unknown price, which are not part of the cost. */
  readonly unpriced_requests: number;
  readonly estimated_requests: number;
}

export interface UsageRowView extends UsageSumsView {
  readonly caller?: string;
  readonly team?: string;
  readonly model?: string;
  readonly target?: string;
  readonly tier?: string;
  /** JSON. */
  readonly tags?: string;
  readonly hour?: string;
  readonly day?: string;
  readonly month?: string;
}
