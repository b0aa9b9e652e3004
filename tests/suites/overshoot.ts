/**
 * Many concurrent streams against a token limit and a small budget: one scenario for the simulation and the real
 * program, and the limits that docs/limits.md and docs/cost.md promise for it.
 */

/** Streams that are open at the same time. */
export const STREAMS = 50;
/** Tokens per minute, of which a minute's worth may be used at once. */
export const TOKENS_PER_MINUTE = 6_000;
/** Tokens that are reserved for a response. */
export const RESERVED_OUTPUT = 40;
/** The longest response that a stream asks for. */
export const MAX_TOKENS = 400;

/** Tokens that one stream has used. */
export interface StreamUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/**
 * The rate and its burst, and for each concurrent stream the tokens by which the longest response exceeds its
 * reservation.
 */
export function tokenBound(served: readonly StreamUsage[], elapsedMs: number): number {
  const longest = Math.max(0, ...served.map(({ outputTokens }) => outputTokens));
  const beyond = Math.max(0, longest - RESERVED_OUTPUT);
  return TOKENS_PER_MINUTE * (1 + elapsedMs / 60_000) + Math.min(STREAMS, served.length) * beyond;
}

export function tokensOf(served: readonly StreamUsage[]): number {
  return served.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0);
}

/** A budget in `GET /admin/v1/budgets`. */
export interface BudgetFigures {
  readonly limit: string;
  readonly spent: string;
  readonly held: string;
  readonly worst_case: string;
}

/** Follows a budget: the amount spent never exceeds the limit, or the worst case that was shown before. */
export class BudgetWatch {
  #worst = 0;

  /** Called while streams are in flight. */
  see({ worst_case: worst }: BudgetFigures): void {
    this.#worst = Math.max(this.#worst, Number(worst));
  }

  /** The most that may be spent. */
  bound({ limit }: BudgetFigures): number {
    return Math.max(Number(limit), this.#worst);
  }
}
