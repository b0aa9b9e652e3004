/** Failures by caller, model, error and minute. */

import { AditError } from "../../base/errors.ts";
import type { FailureCount } from "../../telemetry/recent/failures.ts";
import type { FailureGroupView, FailuresView } from "../contract/contract.ts";
import { type ReadQuery, timeIn } from "./pages.ts";
import type { ViewSources } from "./view_sources.ts";

const MAX_GROUPS = 200;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const FILTERS = ["caller", "model", "error", "rule"] as const;

/** Failures of a period by caller, model and error. */
export function failuresView({ failures, timers }: ViewSources, read: ReadQuery): FailuresView {
  const nowMs = timers.clock.now();
  const toMs = timeIn(read, "to", nowMs);
  const fromMs = timeIn(read, "from", toMs - HOUR_MS);
  if (fromMs >= toMs) throw new AditError("invalid_request", "from: expected a time before to");
  const wanted = FILTERS.flatMap((name) => {
    const value = read(`filter.${name}`);
    return value === null || value === "" ? [] : [[name, value] as const];
  });
  const counts = failures.between(fromMs, toMs)
    .filter((each) => wanted.every(([name, value]) => each[name] === value));
  const groups = groupsOf(counts);
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    kept_since: new Date(failures.keptSinceMs(nowMs)).toISOString(),
    groups: groups.slice(0, MAX_GROUPS),
    groups_total: groups.length,
    minutes: minutesOf(counts),
  };
}

function groupsOf(counts: readonly FailureCount[]): readonly FailureGroupView[] {
  const groups = new Map<string, FailureGroupView>();
  for (const { minute, caller, model, error, status, rule, count } of counts) {
    const key = JSON.stringify([caller, model, error, status, rule]);
    const known = groups.get(key);
    const at = minuteText(minute);
    groups.set(key, {
      caller,
      model,
      error,
      status,
      rule,
      failures: (known?.failures ?? 0) + count,
      first: known?.first ?? at,
      last: at,
    });
  }
  return [...groups.values()].toSorted((one, other) => other.failures - one.failures);
}

function minutesOf(counts: readonly FailureCount[]): FailuresView["minutes"] {
  const minutes = new Map<number, number>();
  for (const { minute, count } of counts) minutes.set(minute, (minutes.get(minute) ?? 0) + count);
  return [...minutes].map(([minute, failures]) => ({ minute: minuteText(minute), failures }));
}

function minuteText(minute: number): string {
  return new Date(minute * MINUTE_MS).toISOString();
}
