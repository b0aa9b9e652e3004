/** Token counts of one response, as Bedrock counts them. */

export interface Usage {
  /** Prompt tokens that were neither read from nor written to the prompt cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}

/** What a request counts as having used. */
export interface Spent {
  /** All zero if no target accepted the request. */
  readonly usage: Usage;
  /** Whether a part of the usage is estimated, because Bedrock did not report it. */
  readonly estimated: boolean;
}
