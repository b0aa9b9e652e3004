/** Token counts of one answer, as Bedrock counts them. */

export interface Usage {
  /** Tokens of the prompt that were neither read from nor written to the prompt cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}
