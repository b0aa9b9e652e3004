/** The last requests in memory, as types. */

/**
 * `GET /admin/v1/recent?filter.caller=&filter.team=&filter.model=&filter.error=&filter.request_id=&limit=&cursor=`: the
 * last thousand requests, from memory, newest first. `filter.error=*` means any error, and `filter.request_id` also
 * matches the client's request id and the trace id. `GET /admin/v1/recent/REQUEST_ID` is one `RecentRequestView`, or
 * 404.
 *
 * `GET /admin/v1/requests/REQUEST_ID` finds a request in the ledger and has the same shape. The ledger stores less
 * about requests that were answered at the first attempt: strings are empty, other members null, and there are no
 * attempts.
 */
export interface RecentView {
  readonly requests: readonly RecentRequestView[];
  /** Number of requests in memory, without filters. */
  readonly kept: number;
  readonly next_cursor: string | null;
}

/** A request in memory, with the same information as the log. */
export interface RecentRequestView {
  /** Time of arrival. */
  readonly time: string;
  readonly request_id: string;
  readonly client_request_id: string | null;
  readonly trace_id: string | null;
  readonly caller: string | null;
  readonly team: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly remote_address: string;
  readonly user_agent: string | null;
  readonly method: string;
  readonly path: string;
  readonly dialect: string;
  readonly endpoint: string | null;
  readonly model: string | null;
  /** A name that does not exist, that the caller may not use, or that `model` replaced because of a spent budget. */
  readonly requested_model: string | null;
  /** That budget. */
  readonly spent_budget: string | null;
  readonly provider: string | null;
  readonly region: string | null;
  readonly model_id: string | null;
  readonly target: string | null;
  readonly stream: boolean | null;
  readonly status: number;
  readonly duration_ms: number;
  readonly first_byte_ms: number | null;
  readonly stop_reason: string | null;
  readonly upstream_request_id: string | null;
  readonly attempts: readonly AttemptView[];
  /** Skipped targets with reasons. */
  readonly passed_over: readonly { readonly target: string; readonly because: string }[];
  /** Null if nothing was used. */
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly cache_read_tokens: number;
    readonly cache_write_tokens: number;
    readonly reasoning_tokens: number;
    readonly images: number;
    readonly tier: string | null;
    readonly estimated: boolean;
  } | null;
  readonly cost: CostView | null;
  readonly error: ErrorView | null;
  /** Shadow rules that would have refused it. */
  readonly shadow_limits: readonly LimitHitView[];
  readonly ignored: readonly string[];
  readonly anomalies: readonly string[];
}

/** One attempt at a target; the last one of an answered request has no error. */
export interface AttemptView {
  readonly target: string;
  readonly provider: string;
  readonly region: string;
  readonly model_id: string;
  /** Since the arrival of the request. */
  readonly start_ms: number;
  readonly duration_ms: number;
  readonly error: string | null;
  readonly upstream_request_id: string | null;
}

export interface CostView {
  /** Null if the price is unknown. */
  readonly usd: string | null;
  /** Id of the price row. */
  readonly price: string | null;
  /**
   * The parts of the amount, before the factor of the service tier and rounding; empty in lists, and if the price row
   * no longer exists.
   */
  readonly parts: readonly CostPartView[];
  /** The factor of the service tier; 1 for none. */
  readonly factor: number;
}

export interface CostPartView {
  /** Such as `input`, `output`, `cache_read`, `image`. */
  readonly what: string;
  readonly count: number;
  /** US dollars per million tokens, or per image or search. */
  readonly price_usd: string;
  readonly usd: string;
}

export interface ErrorView {
  /** The error code in the log and in the caller's response. */
  readonly code: string;
  /** The code for OpenAI's clients if it is more specific, such as `context_length_exceeded`. */
  readonly openai_code: string | null;
  /** The message to the caller, without values from the request. */
  readonly reason: string | null;
  /** Path of the invalid field. */
  readonly param: string | null;
  readonly upstream_status: number | null;
  readonly upstream_type: string | null;
  /** Bedrock's message, without identifiers. */
  readonly upstream_message: string | null;
  /** The system error behind it. */
  readonly cause: string | null;
  /** The rule that refused the request. */
  readonly limit: LimitHitView | null;
}

export interface LimitHitView {
  readonly rule: string;
  /** Such as `requests`, `tokens`, `concurrent`, `usd`. */
  readonly what: string;
}
