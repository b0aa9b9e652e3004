/** What limits a request: the rules that apply to it, and the quotas of its targets, for `adit explain`. */

import { formatPath } from "../../base/problems.ts";
import { originOf } from "../../config/effective.ts";
import type { SourceMap } from "../../config/file/source_map.ts";
import { formatDuration } from "../../config/schema/values.ts";
import { matchesGlob } from "../../base/glob.ts";
import type { Allowance, Each, RateLimit } from "../../snapshot/limits.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import { includesCaller, includesModel, ModelIndex } from "../../snapshot/scope.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";
import type { Fact } from "./fact.ts";

export interface LimitFactOptions {
  readonly snapshot: Snapshot;
  /** Undefined for any caller. */
  readonly caller: Caller | undefined;
  readonly sourceMap: SourceMap;
}

/** The rules that apply to a caller's requests, or to some caller's. */
export function limitFacts(plan: Plan, { snapshot, caller, sourceMap }: LimitFactOptions): readonly Fact[] {
  const callers = caller === undefined ? [...snapshot.callers.values()] : [caller];
  const { names } = new ModelIndex(snapshot.models).namesOf(plan);
  return snapshot.rateLimits
    .filter(({ scope }) => includesModel(scope, names) && callers.some((each) => includesCaller(scope, each)))
    .map((rule) => ({
      topic: "rate limit",
      text: `${describe(rule)}, from ${formatPath(rule.path)} (${originOf(rule.path, sourceMap)})`,
    }));
}

const WHOM = {
  caller: "for each caller",
  team: "for each team",
  model: "for each model",
  caller_model: "for each caller and model",
  none: "for all together",
} as const satisfies Record<Each, string>;

function describe({ requests, tokens, concurrent, each, scope, mode, waitMs }: RateLimit): string {
  // The limits of one caller.
  const whom = each === "none" && scope.callers?.length === 1 ? "" : ` ${WHOM[each]}`;
  const limits = [
    requests && rateText(requests, "requests"),
    tokens && rateText(tokens, "tokens"),
    concurrent === undefined ? undefined : `${concurrent} requests at a time`,
  ].filter((text) => text !== undefined).join(", ");
  const wait = waitMs === 0 ? "" : `, waits up to ${formatDuration(waitMs)}`;
  return `${limits}${whom}${wait}${mode === "shadow" ? ", counted but not enforced" : ""}`;
}

const PERIODS = new Map([[1_000, "second"], [60_000, "minute"], [3_600_000, "hour"]]);

function rateText({ limit, periodMs }: Allowance, unit: string): string {
  return `${limit} ${unit} per ${PERIODS.get(periodMs) ?? formatDuration(periodMs)}`;
}

/** The quota of a target's account; empty if none is configured. */
export function quotaText({ provider, modelId }: Target): string {
  const quota = provider.quotas.find(({ match }) => matchesGlob(match, modelId));
  if (quota === undefined) return "";
  return [
    quota.requests && rateText(quota.requests, "requests"),
    quota.tokens && rateText(quota.tokens, "tokens"),
    quota.tokensPerDay === undefined ? undefined : `${quota.tokensPerDay} tokens per day`,
  ].filter((text) => text !== undefined).join(", ");
}
