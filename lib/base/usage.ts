/** Token counts of one response, as Bedrock counts them. */

export interface Usage {
  /** Prompt tokens that were neither read from nor written to the prompt cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** The part of `cacheWriteTokens` that is kept for an hour and priced higher; absent if nothing was said about it. */
  readonly cacheWrite1hTokens?: number;
  /** The part of `outputTokens` that was reasoning; absent if the model does not report it. */
  readonly reasoningTokens?: number;
  /** Images made, which are billed by the piece. */
  readonly images?: number;
  /** Searches of a reranker. */
  readonly queries?: number;
  /** The tier that the request is billed at: Bedrock's service tier, or `optimized` for low latency; absent for the default. */
  readonly tier?: string;
}

/** What a request counts as having used. */
export interface Spent {
  /** All zero if no target accepted the request. */
  readonly usage: Usage;
  /** Whether a part of the usage is estimated, because Bedrock did not report it. */
  readonly estimated: boolean;
}
