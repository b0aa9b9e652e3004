/** Requests in the ledger, and failures by caller, as types. */

/**
 * `GET /admin/v1/requests?from=&to=&cursor=&limit=&filter.caller=&filter.team=&filter.model=&filter.target=&filter.error=
 * &filter.request_id=` from the ledger, newest first; `filter.error=*` means any error. 404 without `state`.
 */
export interface RequestsView {
  readonly requests: readonly StoredRequestView[];
  /** Value for `cursor`; null after the last page. */
  readonly next_cursor: string | null;
}

/** A row of the ledger. Unknown strings are empty, not null. */
export interface StoredRequestView {
  readonly time: string;
  readonly request_id: string;
  readonly caller: string;
  readonly team: string;
  readonly model: string;
  readonly target: string;
  readonly model_id: string;
  readonly region: string;
  /** The dialect. */
  readonly api: string;
  readonly status: number;
  /** The error code in the log and in the caller's response. */
  readonly error: string;
  readonly attempts: number;
  readonly duration_ms: number;
  readonly first_byte_ms: number | null;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly cache_write_1h_tokens: number;
  readonly reasoning_tokens: number;
  readonly images: number;
  readonly tier: string;
  /** Null if the price is unknown. */
  readonly cost_usd: string | null;
  readonly price: string;
  readonly estimated: boolean;
  /** JSON, or empty. */
  readonly tags: string;
}

/**
 * `GET /admin/v1/failures?from=&to=&filter.caller=&filter.model=&filter.error=`: failures of the last 24 hours by
 * caller and by minute, from memory. Default period: the last hour.
 */
export interface FailuresView {
  readonly from: string;
  readonly to: string;
  /** Failures are complete since this time; earlier ones are in the log and the ledger. */
  readonly kept_since: string;
  /** By caller, model and error, most frequent first, at most 200. */
  readonly groups: readonly FailureGroupView[];
  readonly groups_total: number;
  /** Oldest first; minutes without failures are omitted. */
  readonly minutes: readonly { readonly minute: string; readonly failures: number }[];
}

export interface FailureGroupView {
  /** Empty if the caller was not identified. */
  readonly caller: string;
  readonly model: string;
  readonly error: string;
  readonly status: number;
  /** The rule that refused them; empty for none. */
  readonly rule: string;
  readonly failures: number;
  /** The first and the last minute. */
  readonly first: string;
  readonly last: string;
}
