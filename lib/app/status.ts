/** The status document at `/-/status`. */

import { planFor } from "../gateway/resolve.ts";
import type { ConfigChanges } from "../config/changes.ts";
import type { LedgerStatus } from "../ledger/ledger.ts";
import type { ThreadStatus } from "./threads/thread_watch.ts";
import { type Gateway, lessonFields } from "./build_gateway.ts";

/** The result of the last reload. */
export interface ReloadOutcome {
  readonly at: string;
  readonly ok: boolean;
  readonly problems: readonly string[];
  /** Names of what was added, removed or changed. */
  readonly changes?: ConfigChanges;
}

/** The parts that only the control plane knows. */
export interface ControlStatus {
  readonly version: string;
  /** Name and version. */
  readonly runtime: string;
  readonly configPath: string;
  readonly startedMs: number;
  readonly draining: boolean;
  /** The threads that serve requests. */
  readonly threads: readonly ThreadStatus[];
  readonly listeners: { readonly public: readonly string[]; readonly admin: readonly string[] };
  readonly generation: number;
  readonly loadedAt: string;
  readonly lastReload: ReloadOutcome;
  readonly ledger: LedgerStatus | undefined;
}

/** JSON without secrets. */
export function statusOf(control: ControlStatus, gateway: Gateway, { now, monotonic }: Times): unknown {
  const { providers, models, callers } = gateway.pipeline.snapshot;
  return {
    version: control.version,
    runtime: control.runtime,
    started_at: new Date(control.startedMs).toISOString(),
    uptime_s: Math.round((now - control.startedMs) / 1000),
    draining: control.draining,
    threads: control.threads,
    requests_in_flight: gateway.pipeline.inFlight,
    requests: gateway.counts,
    listeners: control.listeners,
    config: {
      file: control.configPath,
      generation: control.generation,
      loaded_at: control.loadedAt,
      last_reload: control.lastReload,
      providers: [...providers.keys()],
      models: [...models.keys()],
      callers: [...callers.keys()],
    },
    credentials: gateway.credentials.status(providers),
    ledger: control.ledger,
    targets: targetStatus(gateway, monotonic),
    lessons: gateway.lessons.list().map((lessons) => ({
      ...lessonFields(lessons),
      learned_at: lessons.learnedAt,
    })),
    limits: gateway.limits.status(),
  };
}

/** One line: addresses, number of models, and the result of the last reload. */
export function summaryOf(
  { urls, models, lastReload: { ok, problems } }: {
    readonly urls: readonly string[];
    readonly models: number;
    readonly lastReload: ReloadOutcome;
  },
): string {
  const serving = `serving on ${urls.join(", ")}, models: ${models}`;
  if (ok) return serving;
  const refused = `problems in the new one: ${problems.length}, first: ${problems[0] ?? ""}`;
  return `${serving}, with the previous configuration; ${refused}`;
}

/** The present time of both clocks, in milliseconds. */
export interface Times {
  readonly now: number;
  readonly monotonic: number;
}

/** The health of each target that has been used, by model and target. */
function targetStatus({ pipeline, health }: Gateway, nowMs: number): unknown {
  const models = [...pipeline.snapshot.models.values()].map((model) => {
    const known = planFor(model).targets.flatMap((target) => {
      const status = health.status(target, nowMs);
      return status === undefined ? [] : [[target.settings?.name ?? "", status] as const];
    });
    return [model.name, Object.fromEntries(known)] as const;
  });
  return Object.fromEntries(models.filter(([, known]) => Object.keys(known).length > 0));
}
