/** The running gateway as a data source for the operator's page and `adit top`. */

import process from "node:process";

import type { TargetView } from "../../admin/contract/contract.ts";
import type { ConfigurationState, ProcessFacts, ViewSources } from "../../admin/views/view_sources.ts";
import type { TimerWheel } from "../../base/clock.ts";
import type { LogTail } from "../../base/log/log_tail.ts";
import { formatPath } from "../../base/problems.ts";
import { modelApisIn } from "../../endpoints/model_apis.ts";
import { tableId } from "../../facts/model_table.ts";
import type { LimitUse } from "../../gateway/limits/rate_limits.ts";
import { planFor } from "../../gateway/resolve.ts";
import { placeOf, type TargetStatus } from "../../gateway/health/target_health.ts";
import type { LedgerStatus } from "../../ledger/ledger.ts";
import type { InFlight } from "../../snapshot/in_flight.ts";
import type { Target } from "../../snapshot/plan.ts";
import { scopeText } from "../../snapshot/scope.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import type { Gateway } from "../build_gateway.ts";
import type { ConfigViewer } from "./config_viewer.ts";
import type { LiveSinks } from "./live_sinks.ts";

export interface PageSourceOptions {
  readonly gateway: Gateway;
  /** The longest-running requests in flight, across all threads. */
  readonly inFlight: (count: number) => Promise<InFlight>;
  readonly live: LiveSinks;
  readonly log: LogTail;
  readonly timers: TimerWheel;
  readonly viewer: ConfigViewer;
  /** The running configuration. */
  readonly snapshot: () => Snapshot;
  /** Facts that only the control plane knows. */
  readonly facts: () => Omit<ProcessFacts, "memoryBytes">;
  readonly ledger: () => LedgerStatus | undefined;
  readonly configuration: () => ConfigurationState;
  /** The body of a request to the admin listener, limited in size. */
  readonly readBody: (request: Request) => Promise<Uint8Array>;
  readonly maxBodyBytes: number;
}

/** The sources of the operator's views. */
export function pageSources(options: PageSourceOptions): ViewSources {
  const { gateway, live, log, timers, viewer, snapshot, facts, configuration } = options;
  const { pipeline, health, limits, budgets, lessons } = gateway;
  const places = new Places();
  const nowMs = () => timers.clock.monotonic();
  return {
    access: () => snapshot().adminApi,
    timers,
    snapshot,
    process: () => ({ ...facts(), memoryBytes: process.memoryUsage.rss() }),
    inFlight: options.inFlight,
    ...live,
    log,
    usedTargets: () =>
      [...health.used(nowMs())].flatMap(([place, status]) =>
        (places.in(snapshot()).get(place) ?? []).map(({ model, target }) => targetView(model, target, status))
      ),
    targetsOf: (model) =>
      planFor(model).targets.map((target) => targetView(model.name, target, health.status(target, nowMs()))),
    ledger: () => {
      const status = options.ledger();
      return status && { ...status, error: status.error ?? null };
    },
    rules: () => limits.view().map(ruleView),
    budgets: () => {
      const scopes = new Map(snapshot().budgets.map(({ name, scope }) => [name, scopeText(scope)]));
      return budgets.view().map((view) => ({ ...view, applies_to: scopes.get(view.name) ?? "" }));
    },
    lessonsOf: ({ id, baseModel }) =>
      lessons.list().filter(({ modelId }) => modelId === tableId(baseModel ?? id)).map((each) => ({
        members: each.members,
        row: each.row,
        traits: each.traits,
        setting: each.setting,
        upstream_message: each.message,
        learned_at: each.learnedAt,
      })),
    configuration: {
      state: configuration,
      values: (query) => viewer.values(query),
      traits: (model) => viewer.traits(model),
    },
    apisOf: (model) => modelApisIn(snapshot(), model),
    trying: {
      readBody: options.readBody,
      maxBodyBytes: options.maxBodyBytes,
      send: (request, client) => pipeline.handle(request, { ...client, truncatesStreams: false }),
    },
  };
}

/** A target of a model. */
interface Placed {
  readonly model: string;
  readonly target: Target;
}

/** A configuration's targets by place; built once per configuration, when first needed. */
class Places {
  #snapshot: Snapshot | undefined;
  #places = new Map<string, Placed[]>();

  in(snapshot: Snapshot): ReadonlyMap<string, readonly Placed[]> {
    if (snapshot === this.#snapshot) return this.#places;
    this.#snapshot = snapshot;
    this.#places = new Map();
    for (const model of snapshot.models.values()) {
      for (const target of planFor(model).targets) {
        const place = placeOf(target);
        const known = this.#places.get(place);
        if (known === undefined) this.#places.set(place, [{ model: model.name, target }]);
        else known.push({ model: model.name, target });
      }
    }
    return this.#places;
  }
}

function targetView(model: string, target: Target, status: TargetStatus | undefined): TargetView {
  const { provider, modelId, settings } = target;
  return {
    model,
    target: settings?.name ?? "",
    provider: provider.name,
    region: provider.region,
    model_id: modelId,
    state: status?.state ?? "unused",
    rests_ms: status?.rests_ms ?? 0,
    in_flight: status?.in_flight ?? 0,
    latency_ms: status?.latency_ms ?? null,
    failures_in_row: status?.failures_in_row ?? 0,
    last_error: status?.last_error ?? null,
  };
}

function ruleView({ rule, counts, what, subject, limit, periodMs, depth, remaining, resetUs }: LimitUse) {
  return {
    rule: rule.name,
    setting: formatPath(rule.path),
    what,
    mode: rule.mode,
    each: rule.each,
    applies_to: scopeText(rule.scope),
    subject,
    limit,
    period_s: periodMs / 1000,
    at_once: depth,
    used: Math.max(0, depth - remaining),
    remaining,
    reset_ms: Math.ceil(resetUs / 1000),
    refused: counts.refused,
    would_refuse: counts.wouldRefuse,
  };
}
