/** What is known about a request that has not ended, for the operator. */

/** Plain data, so that it can come from another thread. Contains no key, prompt or response text. */
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
  /** As far as Bedrock has reported them. */
  readonly outputTokens: number | undefined;
}

/** Requests in flight: how many there are, and those that have been there longest. */
export interface InFlight {
  readonly total: number;
  /** The oldest first. */
  readonly requests: readonly InFlightRequest[];
}
