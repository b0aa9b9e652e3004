/** Rules that limit what callers may use, and the quotas of providers. */

import type { Path } from "../base/problems.ts";

/** What a rule applies to: all parts must match; one match in a list is enough, and undefined matches everything. */
export interface Scope {
  /** Names of callers, or globs over them. */
  readonly callers: readonly string[] | undefined;
  /** Names of teams, or globs over them. */
  readonly teams: readonly string[] | undefined;
  /** Names of models, or globs over them. */
  readonly models: readonly string[] | undefined;
  /** By the tag's name: values, or globs over them. */
  readonly tags: Readonly<Record<string, readonly string[]>>;
}

export const EACH = ["caller", "team", "model", "caller_model", "none"] as const;

/** Who gets a separate allowance; with `none`, all matching requests share one. */
export type Each = (typeof EACH)[number];

export const MODES = ["enforce", "shadow"] as const;
export type LimitMode = (typeof MODES)[number];

/** A number of units per period; as many as are earned in `burstMs` can be used at once. */
export interface Allowance {
  readonly limit: number;
  readonly periodMs: number;
  readonly burstMs: number;
}

const PERIODS: ReadonlyMap<number, string> = new Map([
  [1_000, "second"],
  [60_000, "minute"],
  [3_600_000, "hour"],
  [86_400_000, "day"],
]);

/** A rate in words: `60 requests per minute`. */
export function rateText({ limit, periodMs }: Pick<Allowance, "limit" | "periodMs">, units: string): string {
  return `${countText(limit, units)} per ${PERIODS.get(periodMs) ?? `${periodMs} ms`}`;
}

/** A number of units in words: `1 request`, `2 requests`. */
export function countText(count: number, units: string): string {
  return `${count} ${count === 1 ? units.replace(/s$/, "") : units}`;
}

/** How much one token of each kind counts. */
export interface TokenWeights {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite: number;
  readonly cacheRead: number;
}

/** One rule of `rate_limits`, or the `limits` of one caller. */
export interface RateLimit {
  /** Identifies the rule's state across reloads. */
  readonly name: string;
  readonly path: Path;
  readonly scope: Scope;
  readonly each: Each;
  /** Rates with different periods, the shortest first. */
  readonly requests: readonly Allowance[];
  readonly tokens: readonly Allowance[];
  /** Maximum number of in-flight requests. */
  readonly concurrent: number | undefined;
  /** With `shadow`, the rule counts and reports but never refuses. */
  readonly mode: LimitMode;
  /** How long a request may wait for its turn; 0 if it is refused at once. */
  readonly waitMs: number;
  readonly weights: TokenWeights;
  /** Maximum number of output tokens reserved for a request until it has ended. */
  readonly reserveOutput: number;
}

/** What an AWS account may use of every model id that matches; each id counts separately. */
export interface Quota {
  /** Glob over model ids. */
  readonly match: string;
  readonly requests: Allowance | undefined;
  readonly tokens: Allowance | undefined;
  readonly tokensPerDay: number | undefined;
  /** Number of tokens that one output token counts as once the response is complete. */
  readonly burndown: number;
  /** What to do while the quota of every target is short: ask Bedrock anyway, or refuse the request. */
  readonly whenShort: "ask" | "refuse";
}
