/** The views' sources in the running gateway, as plain data. */

import type { LogTail } from "../../base/log/log_tail.ts";
import type { JsonObject } from "../../base/json.ts";
import type { TimerWheel } from "../../base/clock.ts";
import type { InFlight } from "../../snapshot/in_flight.ts";
import type { AdminApiAccess, Model, Snapshot } from "../../snapshot/snapshot.ts";
import type { Failures } from "../../telemetry/recent/failures.ts";
import type { LiveRates } from "../../telemetry/recent/live_rates.ts";
import type { RecentRequests } from "../../telemetry/recent/recent_requests.ts";
import type {
  BudgetUseView,
  ConfigurationValueView,
  LedgerView,
  LessonView,
  ReloadView,
  RuleView,
  TargetView,
  TraitView,
} from "../contract/contract.ts";
import type { PageQuery } from "./pages.ts";

export interface ViewSources {
  /** The key that requests must send, if the configuration has one. */
  readonly access: () => AdminApiAccess | undefined;
  readonly timers: TimerWheel;
  readonly snapshot: () => Snapshot;
  readonly process: () => ProcessFacts;
  /** The longest-running requests in flight, across all threads. */
  readonly inFlight: (count: number) => InFlight | Promise<InFlight>;
  readonly rates: LiveRates;
  readonly recent: RecentRequests;
  readonly failures: Failures;
  readonly log: LogTail;
  /** Targets that have been used. */
  readonly usedTargets: () => readonly TargetView[];
  /** The targets of a model of the running configuration, in its order. */
  readonly targetsOf: (model: Model) => readonly TargetView[];
  /** Undefined without `state`. */
  readonly ledger: () => LedgerView | undefined;
  readonly rules: () => readonly RuleView[];
  readonly budgets: () => readonly BudgetUseView[];
  /** Lessons from Bedrock's refusals of a target's requests since the configuration was loaded. */
  readonly lessonsOf: (target: Model["targets"][number]) => readonly LessonView[];
  readonly configuration: ConfigurationSource;
  /** The APIs of a model; undefined for an unknown model. */
  readonly apisOf: (model: string) => JsonObject | undefined;
  readonly trying: TrySource;
}

export interface ProcessFacts {
  readonly version: string;
  readonly startedAtMs: number;
  readonly isDraining: boolean;
  readonly threads: number;
  readonly memoryBytes: number;
  readonly publicUrls: readonly string[];
  readonly adminUrls: readonly string[];
}

/** The configuration in use, as loaded. */
export interface ConfigurationSource {
  readonly state: () => ConfigurationState;
  /** A page of the values that match a search in lower case. Rejects with a reason for the operator. */
  readonly values: (query: ValuesQuery) => Promise<ValuesPage>;
  /** The traits of each target of a model, in its order. Rejects with a reason for the operator. */
  readonly traits: (model: string) => Promise<readonly (readonly TraitView[])[]>;
}

export interface ConfigurationState {
  readonly file: string;
  readonly generation: number;
  readonly loadedAt: string;
  /** Newest first. */
  readonly reloads: readonly ReloadView[];
  readonly warnings: readonly string[];
}

export interface ValuesQuery extends PageQuery {
  readonly search: string;
}

export interface ValuesPage {
  readonly values: readonly ConfigurationValueView[];
  readonly total: number;
}

/** Sends requests from the page to the gateway. */
export interface TrySource {
  /** The body of a request to the admin listener, limited in size; throws an AditError. */
  readonly readBody: (request: Request) => Promise<Uint8Array>;
  readonly maxBodyBytes: number;
  /** Answers as the public listener would. */
  readonly send: (request: Request, client: TryClient) => Promise<Response>;
}

export interface TryClient {
  /** Path and query. */
  readonly target: string;
  readonly remoteAddress: string;
  readonly clientGone: AbortSignal;
}
