/** Rate limits, those of `rate_limits` and the short form in a caller's entry, and quotas of providers. */

import { isGlob, matchesGlob } from "../../base/glob.ts";
import { type Path, quote } from "../../base/problems.ts";
import type { Allowance, Quota, RateLimit, Scope } from "../../snapshot/limits.ts";
import { includesCaller } from "../../snapshot/scope.ts";
import type { Caller } from "../../snapshot/snapshot.ts";
import type { Config } from "../schema/config_file.ts";
import type { CallerLimitsConfig, QuotaConfig, RateLimitConfig } from "../schema/limit_keys.ts";
import type { LinkContext } from "./context.ts";

export interface LimitTargets {
  readonly context: LinkContext;
  readonly callers: ReadonlyMap<string, Caller>;
}

/** The rules of `rate_limits`, and one for each caller with `limits`. */
export function linkRateLimits(
  config: Config,
  rules: ReadonlyMap<string, RateLimitConfig>,
  targets: LimitTargets,
): readonly RateLimit[] {
  const shared = [...rules].map(([name, entry]) => {
    const path = ["rate_limits", name];
    const scope = linkScope([...path, "for"], entry.for, targets);
    return { ...linkRule(path, entry, targets.context), name, scope, each: entry.each };
  });
  const own = [...targets.callers.keys()].flatMap((name) => {
    const entry = config.callers[name]?.limits;
    const path = ["callers", name, "limits"];
    const scope = { callers: [name], teams: undefined, models: undefined, tags: {} };
    return entry === undefined ? [] : [{
      ...linkRule(path, entry, targets.context),
      name: ownName("rate_limits", name, rules, targets.context),
      scope,
      each: "none" as const,
    }];
  });
  return [...shared, ...own];
}

/** The name of a caller's own rule. A shared rule with that name is a problem, because usage is kept by name. */
export function ownName(
  section: "budgets" | "rate_limits",
  caller: string,
  shared: ReadonlyMap<string, unknown>,
  context: LinkContext,
): string {
  const name = `callers.${caller}`;
  if (shared.has(name)) {
    const what = section === "budgets" ? "a budget" : "limits";
    context.failName([section, name], `reserved for caller ${quote(caller)}, whose entry has ${what}`);
  }
  return name;
}

function linkRule(
  path: Path,
  entry: CallerLimitsConfig,
  context: LinkContext,
): Omit<RateLimit, "name" | "scope" | "each"> {
  const { requests, tokens, concurrent, burst, count } = entry;
  if (requests === undefined && tokens === undefined && concurrent === undefined) {
    context.fail(path, "limits nothing; set requests, tokens or concurrent");
  }
  return {
    path,
    requests: linkRates([...path, "requests"], requests, burst, context),
    tokens: linkRates([...path, "tokens"], tokens, burst, context),
    concurrent,
    mode: entry.mode,
    waitMs: entry.wait,
    weights: {
      input: count.input,
      output: count.output,
      cacheWrite: count.cache_write,
      cacheRead: count.cache_read,
    },
    reserveOutput: entry.reserve_output,
  };
}

interface Rate {
  readonly limit: number;
  readonly periodMs: number;
}

/** The shortest rate first. The burst only applies to that one; a daily rate may be used at any time of the day. */
function linkRates(
  path: Path,
  given: Rate | readonly Rate[] = [],
  burstMs: number | undefined,
  context: LinkContext,
): readonly Allowance[] {
  const rates = [given].flat().toSorted((one, other) => one.periodMs - other.periodMs);
  if (new Set(rates.map(({ periodMs }) => periodMs)).size < rates.length) {
    context.fail(path, "two rates have the same period");
  }
  return rates.map((rate, index) => ({
    ...rate,
    burstMs: (index === 0 ? burstMs : undefined) ?? rate.periodMs,
  }));
}

function allowance(
  rate: Rate | undefined,
  burstMs: number | undefined,
): Allowance | undefined {
  return rate && { ...rate, burstMs: burstMs ?? rate.periodMs };
}

/** The scope of a limit. A scope without callers or models is a problem, because it would silently limit nothing. */
export function linkScope(
  path: Path,
  entry: RateLimitConfig["for"],
  { context, callers }: LimitTargets,
): Scope {
  const all = [...callers.values()];
  const isUnknown = context.isSectionCut("callers") || context.isSectionCut("models");
  const teams = [...new Set(all.flatMap(({ team }) => team ?? []))];
  const scope: Scope = { callers: entry.callers, teams: entry.teams, models: entry.models, tags: entry.tags };
  if (isUnknown) return scope;
  let isSound = expectMatches([...path, "callers"], entry.callers, {
    context,
    what: "caller",
    known: context.namesIn("callers"),
  });
  isSound = expectMatches([...path, "teams"], entry.teams, { context, what: "team", known: teams }) &&
    isSound;
  // A native request may name a model id instead.
  const hasNative = all.some((caller) => caller.native !== undefined && includesCaller(scope, caller));
  if (!hasNative) {
    const known = context.namesIn("models");
    isSound = expectMatches([...path, "models"], entry.models, { context, what: "model", known }) && isSound;
  }
  for (const [tag, values] of Object.entries(entry.tags)) {
    const known = [...new Set(all.flatMap(({ tags }) => Object.hasOwn(tags, tag) ? tags[tag] ?? [] : []))];
    const place = [...path, "tags", tag];
    isSound = expectMatches(place, values, { context, what: "tag value", known }) && isSound;
  }
  const isNarrow = entry.callers !== undefined || entry.teams !== undefined ||
    Object.keys(entry.tags).length > 0;
  if (isSound && isNarrow && !all.some((caller) => includesCaller(scope, caller))) {
    context.fail(path, "no caller matches all of callers, teams and tags, so this limits nothing");
  }
  return scope;
}

interface Known {
  readonly context: LinkContext;
  readonly what: string;
  readonly known: readonly string[];
}

/** Reports each pattern that matches none of the known names; returns whether all match. */
function expectMatches(
  path: Path,
  globs: readonly string[] | undefined,
  { context, what, known }: Known,
): boolean {
  let isSound = true;
  for (const [index, glob] of globs?.entries() ?? []) {
    if (known.some((name) => matchesGlob(glob, name))) continue;
    isSound = false;
    const place = [...path, index];
    const shown = context.shown(place, glob, isGlob(glob) ? [] : known);
    context.fail(place, isGlob(glob) ? `matches no ${what}: ${shown}` : `unknown ${what} ${shown}`);
  }
  return isSound;
}

/** The quotas of a provider. */
export function linkQuotas(
  path: Path,
  entries: readonly QuotaConfig[] = [],
  context: LinkContext,
): readonly Quota[] {
  return entries.map(
    ({ match, requests, tokens, tokens_per_day: tokensPerDay, burndown, burst, when_short }, index) => {
      if (requests === undefined && tokens === undefined && tokensPerDay === undefined) {
        context.fail([...path, index], "limits nothing; set requests, tokens or tokens_per_day");
      }
      return {
        match,
        requests: allowance(requests, burst),
        tokens: allowance(tokens, burst),
        tokensPerDay,
        burndown,
        whenShort: when_short,
      };
    },
  );
}
