/** What is known about a request in flight, for the operator. */

/** Plain data, which can come from another thread. Contains no key, prompt or response text. */
export interface InFlightRequest {
  readonly requestId: string;
  /** In milliseconds since the Unix epoch, so that ages can be compared between threads. */
  readonly startedAtMs: number;
  /** Undefined until the caller is authenticated. */
  readonly caller: string | undefined;
  readonly model: string | undefined;
  /** The kind of endpoint, such as `chat`; undefined until the route is known. */
  readonly endpoint: string | undefined;
  /** Name of the current target; undefined before the first attempt, and for a native request with a model id. */
  readonly target: string | undefined;
  /** Undefined until something is sent upstream. */
  readonly stream: boolean | undefined;
  /** Attempts that have failed. */
  readonly failedAttempts: number;
  /** From the arrival of the request. */
  readonly firstByteMs: number | undefined;
  readonly sentBytes: number;
  /** The number that Bedrock has reported so far. */
  readonly outputTokens: number | undefined;
}

/** The number of requests in flight, and the oldest of them. */
export interface InFlight {
  readonly total: number;
  /** The oldest first. */
  readonly requests: readonly InFlightRequest[];
}
