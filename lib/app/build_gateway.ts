/** Assembles a gateway: credentials, upstream, pipeline, and the sinks of settled requests. */

import type { Clock, TimerWheel } from "../base/clock.ts";
import { type AditError, codeOf } from "../base/errors.ts";
import { randomFraction } from "../base/ids.ts";
import type { LogFields, Logger } from "../base/log/log.ts";
import { formatPath } from "../base/problems.ts";
import { router } from "../endpoints/router.ts";
import { Admission } from "../gateway/admission/admit.ts";
import { Sizes } from "../gateway/admission/sizes.ts";
import type { AttemptTools } from "../gateway/attempts.ts";
import type { CallerViews } from "../gateway/endpoint.ts";
import type { BudgetIdentity } from "../gateway/budgets/budget_states.ts";
import { Budgets } from "../gateway/budgets/budgets.ts";
import { BudgetWebhooks } from "../ledger/budget_webhooks.ts";
import type { BudgetRow } from "../snapshot/budget.ts";
import { Lessons, type ModelLessons } from "../gateway/lessons.ts";
import { Quotas } from "../gateway/limits/quotas.ts";
import type { UsedSubject } from "../gateway/limits/rule_book.ts";
import { RateLimits } from "../gateway/limits/rate_limits.ts";
import { Pipeline } from "../gateway/pipeline.ts";
import { RetryBudget } from "../gateway/health/retry_budget.ts";
import { TargetHealth } from "../gateway/health/target_health.ts";
import { type AskKeyPair, ProviderCredentials } from "../providers/bedrock/provider_credentials.ts";
import { Upstream, type UpstreamOptions } from "../providers/upstream.ts";
import type { Target } from "../snapshot/plan.ts";
import type { RecordSink } from "../snapshot/record.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Store } from "../store/store.ts";
import { requestLog } from "../telemetry/log_line.ts";
import { RequestCounts } from "../telemetry/request_counts.ts";

export interface GatewayParts extends Omit<UpstreamOptions, "credentials"> {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly logger: Logger;
  /** Counters that all threads share. */
  readonly store: Store;
  readonly snapshot: Snapshot;
  /** Receive the record of every request, after the log and the counts. */
  readonly sinks?: readonly RecordSink[];
  readonly views?: CallerViews | undefined;
  /** Earlier spending of budgets, and the sink of their changes. */
  readonly budgets?: BudgetKeeping | undefined;
  /** When the process started, in milliseconds since the Unix epoch; default: now. */
  readonly startedMs?: number;
  /** Set in a thread that does not search for credentials itself. */
  readonly askKeyPair?: AskKeyPair | undefined;
  readonly news?: GatewayNews | undefined;
  /** Between 0 and 1; selects among targets and spreads retries. */
  readonly random?: () => number;
}

/** News for other threads. */
export interface GatewayNews {
  readonly onLearned: (lessons: ModelLessons) => void;
  /** Called when a target is used for the first time. */
  readonly onUsedTarget: (place: string) => void;
  /** Called when a limit is used for the first time. */
  readonly onUsedLimit: (subject: UsedSubject) => void;
}

/** Keeps budgets beyond the process. */
export interface BudgetKeeping {
  /** Undefined in a thread whose changes another thread stores. */
  readonly rows: readonly BudgetRow[] | undefined;
  /** Called after each change. */
  readonly onChanged: (state: BudgetIdentity) => void;
}

export interface Gateway {
  readonly pipeline: Pipeline;
  readonly credentials: ProviderCredentials;
  /** Counts of the requests settled since the start. */
  readonly counts: RequestCounts;
  /** Health of every target that has been used. */
  readonly health: TargetHealth;
  /** Lessons from Bedrock's refusals since the configuration was loaded. */
  readonly lessons: Lessons;
  readonly limits: RateLimits;
  readonly budgets: Budgets;
  readonly quotas: Quotas;
}

/** The gateway without its sockets. */
export function buildGateway({ logger, snapshot, random = randomFraction, ...parts }: GatewayParts): Gateway {
  const { clock, timers } = parts;
  const credentials = new ProviderCredentials({
    clock,
    logger,
    networks: parts.networks,
    ask: parts.askKeyPair,
  });
  const upstream = new Upstream({ ...parts, credentials });
  const counts = new RequestCounts();
  const sinks: readonly RecordSink[] = [
    requestLog(logger),
    (record) => counts.add(record),
    ...parts.sinks ?? [],
  ];
  const { store, news } = parts;
  const health = new TargetHealth({ store, random, onUsed: news?.onUsedTarget });
  const lessons = new Lessons({
    clock,
    onLearned: (learned) => {
      logger.log("warn", "Bedrock refused an optional field, which is now left out", lessonFields(learned));
      news?.onLearned(learned);
    },
  });
  const quotas = new Quotas({ clock, store });
  const attempts: AttemptTools = {
    clock,
    timers,
    health,
    budget: new RetryBudget(store),
    lessons,
    quotas,
    random,
    onMisfit: (target, error) => logger.log("warn", "target is not usable", misfitFields(target, error)),
  };
  const sizes = new Sizes();
  const limits = new RateLimits({
    clock,
    store,
    snapshot,
    onUsed: news?.onUsedLimit,
    onOversized: (limit) =>
      logger.log("warn", "a request needs more tokens than a rate limit allows at once; it was admitted", {
        limit: limit.rule,
      }),
  });
  const webhooks = new BudgetWebhooks({ fetch: parts.fetch, timers, logger, userAgent: parts.userAgent });
  const budgets = new Budgets({
    clock,
    store,
    snapshot,
    rows: parts.budgets?.rows,
    onChanged: parts.budgets?.onChanged ?? (() => {}),
    onClockJump: (byMs) =>
      logger.log("warn", "the clock jumped; budgets continue in the window of the new time", {
        by_s: Math.round(byMs / 1000),
      }),
    onWarning: (warning, { webhook }) => {
      logger.log("warn", "a budget has reached a warning level", { ...warning });
      if (webhook !== undefined) webhooks.send(webhook, warning);
    },
  });
  const admission = new Admission({ clock, timers, meters: [limits, budgets], sizes });
  const pipeline = new Pipeline({
    clock,
    timers,
    store,
    startedMs: parts.startedMs,
    upstream,
    router,
    snapshot,
    sinks,
    attempts,
    sizes,
    admission,
    views: parts.views,
  });
  return { pipeline, credentials, counts, health, lessons, limits, budgets, quotas };
}

/** Includes the setting, since only the operator can fix it. */
function misfitFields({ provider, modelId, settings }: Target, error: AditError): LogFields {
  return {
    ...(settings && { setting: `${formatPath(settings.path)} (${settings.origin})` }),
    provider: provider.name,
    model_id: modelId,
    error: codeOf(error.kind),
    upstream_error: error.details.upstream?.type,
  };
}

/** The lessons, with the setting that makes them permanent. */
export function lessonFields(lessons: ModelLessons): LogFields {
  return {
    model_id: lessons.modelId,
    members: lessons.members,
    setting: lessons.setting,
    traits: lessons.traits,
    row: lessons.row,
    upstream_message: lessons.message,
  };
}
