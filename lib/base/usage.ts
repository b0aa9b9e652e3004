/** Token counts of one response, as Bedrock counts them. */

export interface Usage {
  /** Prompt tokens that were neither read from nor written to the prompt cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}
