/** What happens now, as types: rates, requests in flight, and targets. */

/**
 * `GET /admin/v1/now`, and with `accept: text/event-stream` the same once a second, as events `now`. A viewer that does
 * not keep up misses some.
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
  /** The last two minutes, the oldest second first; the second that is not over yet is left out. */
  readonly seconds: readonly SecondView[];
  readonly in_flight: {
    readonly total: number;
    /** The oldest first, at most 200. */
    readonly requests: readonly InFlightView[];
  };
  /** Of the last five minutes: the models with the most requests, at most 50. */
  readonly models: readonly ModelUseView[];
  /** Of the last five minutes: the callers with the most requests, at most 50. */
  readonly callers: readonly CallerUseView[];
  /** Of the last five minutes: the most frequent first, at most 50. */
  readonly errors: readonly ErrorUseView[];
  /** Targets that have been used, those in trouble first, at most 200. */
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
  /** Of requests that ended in this second. */
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
  /** The target that is being asked, or whose answer is being sent. */
  readonly target: string | null;
  /** Null until something was sent upstream. */
  readonly stream: boolean | null;
  /** Attempts that have failed so far. */
  readonly failed_attempts: number;
  readonly first_byte_ms: number | null;
  readonly sent_bytes: number;
  /** Bytes of the answer in a second; null until its first byte. */
  readonly bytes_per_s: number | null;
  /** Null while Bedrock has not reported them. */
  readonly output_tokens: number | null;
  readonly output_tokens_per_s: number | null;
}

interface UseView {
  readonly requests: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** Without the requests whose price is unknown. */
  readonly cost_usd: string;
  readonly unpriced_requests: number;
}

export interface ModelUseView extends UseView {
  readonly model: string;
  /** Of streams; null without one. */
  readonly first_byte_ms_avg: number | null;
  readonly duration_ms_avg: number;
}

export interface CallerUseView extends UseView {
  readonly caller: string;
}

export interface ErrorUseView {
  /** The code that the log and the caller see, such as `rate_limit_exceeded`. */
  readonly error: string;
  readonly requests: number;
  /** The caller with the most of them; empty before a caller was known. */
  readonly caller: string;
}

export interface TargetView {
  readonly model: string;
  readonly target: string;
  readonly provider: string;
  readonly region: string;
  readonly model_id: string;
  readonly state: "available" | "resting" | "probing" | "misfit" | "unused";
  /** 0 unless it rests. */
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
  /** Why requests are not written at present. */
  readonly error: string | null;
}
