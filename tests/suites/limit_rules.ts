/** Rate limits for tests, written as in the configuration file. */

import { parseRate } from "../../lib/config/schema/values.ts";
import type { Allowance, RateLimit, Scope } from "../../lib/snapshot/limits.ts";

/** The parts of a rule that a test may set. */
interface RuleParts extends Partial<Omit<RateLimit, "requests" | "tokens" | "scope" | "weights">> {
  /** Such as `60/m`, or several, the shortest first. */
  readonly requests?: string | readonly string[];
  readonly tokens?: string | readonly string[];
  readonly burstMs?: number;
  readonly scope?: Partial<Scope>;
  readonly weights?: Partial<RateLimit["weights"]>;
}

/** A rule for all callers, counted for each of them, unless the parts say otherwise. */
export function rule(
  name: string,
  { requests, tokens, burstMs, scope, weights, ...parts }: RuleParts,
): RateLimit {
  return {
    name,
    path: ["rate_limits", name],
    scope: { callers: undefined, teams: undefined, models: undefined, tags: {}, ...scope },
    each: "caller",
    requests: allowances(requests, burstMs),
    tokens: allowances(tokens, burstMs),
    concurrent: undefined,
    mode: "enforce",
    waitMs: 0,
    weights: { input: 1, output: 1, cacheWrite: 1, cacheRead: 0, ...weights },
    reserveOutput: 4096,
    ...parts,
  };
}

function allowances(
  given: string | readonly string[] = [],
  burstMs: number | undefined,
): readonly Allowance[] {
  return [given].flat().flatMap((text) => allowance(text, burstMs) ?? []);
}

/** The allowance of a rate such as `60/m`. */
export function allowance(text: string | undefined, burstMs?: number): Allowance | undefined {
  const rate = text === undefined ? undefined : parseRate(text);
  return rate && { ...rate, burstMs: burstMs ?? rate.periodMs };
}
