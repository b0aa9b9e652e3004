/** Current activity, as types: rates, requests in flight, and targets. */

/**
 * `GET /admin/v1/now`. With `accept: text/event-stream`, the same once a second as `now` events; a viewer that does not
 * keep up misses some.
 */
export interface NowView {
  readonly at: string;
  readonly version: string;
  readonly started_at: string;
  readonly uptime_s: number;
  readonly draining: boolean;
  /** Threads that serve requests. */
  readonly threads: number;
  /** Requests that have ended since the start of the process. */
  readonly requests_total: number;
  /** Averages of the last ten seconds. */
  readonly rate: RateView;
  /** The last two minutes by second, oldest first, without the current second. */
  readonly seconds: readonly SecondView[];
  readonly in_flight: {
    readonly total: number;
    /** Oldest first, at most 200. */
    readonly requests: readonly InFlightView[];
  };
  /** The models with the most requests in the last five minutes, at most 50. */
  readonly models: readonly ModelUseView[];
  /** The callers with the most requests in the last five minutes, at most 50. */
  readonly callers: readonly CallerUseView[];
  /** The errors of the last five minutes, most frequent first, at most 50. */
  readonly errors: readonly ErrorUseView[];
  /** Targets that have been used, those with problems first, at most 200. */
  readonly targets: readonly TargetView[];
  readonly targets_total: number;
  /** Null without `state` in the configuration. */
  readonly ledger: LedgerView | null;
  readonly memory_bytes: number;
}

export interface RateView {
  readonly requests_per_s: number;
  readonly errors_per_s: number;
  readonly input_tokens_per_s: number;
  readonly output_tokens_per_s: number;
}

export interface SecondView {
  /** Seconds since the Unix epoch. */
  readonly t: number;
  readonly requests: number;
  readonly errors: number;
  /** Output tokens of requests that ended in this second. */
  readonly output_tokens: number;
}

/** A request that has not ended. */
export interface InFlightView {
  readonly request_id: string;
  readonly age_ms: number;
  /** Null until the caller is known. */
  readonly caller: string | null;
  readonly model: string | null;
  /** The kind of endpoint, such as `chat`. */
  readonly endpoint: string | null;
  /** The target of the current attempt or of the answer that is being sent. */
  readonly target: string | null;
  /** Null until the request has been sent upstream. */
  readonly stream: boolean | null;
  /** Attempts that have failed so far. */
  readonly failed_attempts: number;
  readonly first_byte_ms: number | null;
  readonly sent_bytes: number;
  /** Average over the answer so far; null until its first byte. */
  readonly bytes_per_s: number | null;
  /** Null until Bedrock reports them. */
  readonly output_tokens: number | null;
  readonly output_tokens_per_s: number | null;
}

interface UseView {
  readonly requests: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** Excludes requests with unknown price. */
  readonly cost_usd: string;
  readonly unpriced_requests: number;
}

export interface ModelUseView extends UseView {
  readonly model: string;
  /** Average of streams; null if there are none. */
  readonly first_byte_ms_avg: number | null;
  readonly duration_ms_avg: number;
}

export interface CallerUseView extends UseView {
  readonly caller: string;
}

export interface ErrorUseView {
  /** The error code in the log and in the caller's response, such as `rate_limit_exceeded`. */
  readonly error: string;
  readonly requests: number;
  /** The caller with the most of them; empty if not identified. */
  readonly caller: string;
}

export interface TargetView {
  readonly model: string;
  readonly target: string;
  readonly provider: string;
  readonly region: string;
  readonly model_id: string;
  readonly state: "available" | "resting" | "probing" | "misfit" | "unused";
  /** Remaining rest; 0 unless it rests. */
  readonly rests_ms: number;
  readonly in_flight: number;
  readonly latency_ms: number | null;
  readonly failures_in_row: number;
  readonly last_error: string | null;
}

export interface LedgerView {
  readonly path: string;
  readonly written: number;
  readonly queued: number;
  readonly dropped: number;
  /** The reason if requests cannot be written, otherwise null. */
  readonly error: string | null;
}
