/** The record of a settled call. */

import type { AditError } from "../base/errors.ts";
import { cut, cutList } from "../base/log/log_words.ts";
import type { Spent } from "../base/usage.ts";
import type { Plan, Target } from "../snapshot/plan.ts";
import type { RequestCost, RequestRecord } from "../snapshot/record.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import type { Hold } from "./admission/admit.ts";
import type { ClientFacts } from "./intake/client_facts.ts";
import type { Answer, Outcome } from "./outcome.ts";
import { MAX_NAME_CHARS, recordedError } from "./recorded_error.ts";

/** The error response of a request that has no answer. */
export interface Failure {
  readonly status: number;
  readonly ignored: readonly string[];
}

/** What a call knows about its request. */
export interface RecordableCall
  extends
    Pick<RequestRecord, "endpoint" | "startedAtMs" | "insteadOf" | "stream" | "attempts" | "passedOver">,
    Pick<RequestRecord, "firstByteMs" | "overheadMs"> {
  readonly options: Pick<RequestRecord, "method" | "path" | "dialect" | "remoteAddress"> & {
    readonly id: string;
    readonly client: ClientFacts;
    readonly snapshot: Snapshot;
  };
  readonly caller: Caller | undefined;
  readonly plan: Plan | undefined;
  /** The target that was tried last. */
  readonly target: Target | undefined;
  readonly hold: Pick<Hold, "shadowed"> | undefined;
  readonly answer: Answer | undefined;
  readonly elapsedMs: number;
  readonly isDrained: boolean;
}

/** What is known when a request is settled. */
export interface Settlement {
  readonly outcome: Outcome | undefined;
  readonly error: AditError | undefined;
  readonly failure: Failure | undefined;
  readonly spent: Spent | undefined;
  readonly cost: RequestCost | undefined;
}

/** One literal rather than parts that are merged: every request makes a record. */
export function recordOf(
  call: RecordableCall,
  { outcome, error, failure, spent, cost }: Settlement,
): RequestRecord {
  const { options: { id, method, path, dialect, remoteAddress, client, snapshot } } = call;
  const { caller, plan, target, attempts, hold } = call;
  const requested = error?.details.requestedModel;
  return {
    requestId: id,
    caller: caller?.name,
    team: caller?.team,
    tags: caller?.tags ?? {},
    remoteAddress,
    method: cut(method, 32),
    path: cut(path, 256),
    dialect,
    endpoint: call.endpoint,
    userAgent: client.userAgent,
    clientRequestId: client.requestId,
    trace: client.trace,
    startedAtMs: call.startedAtMs,
    model: plan && cut(plan.name, 256),
    insteadOf: call.insteadOf,
    requestedModel: requested && (MODEL_WORD.test(requested) ? cut(requested, 256) : "[value]"),
    modelId: target && target.modelId !== "" ? cut(target.modelId, 256) : undefined,
    region: target?.provider.region,
    stream: call.stream,
    provider: target?.provider.name,
    target: target?.settings?.name,
    hadChoice: attempts.length > 1 || (plan?.targets.length ?? 0) > 1,
    attempts,
    passedOver: call.passedOver,
    status: failure?.status ?? call.answer?.status ?? 0,
    durationMs: call.elapsedMs,
    firstByteMs: call.firstByteMs,
    overheadMs: call.overheadMs,
    usage: outcome?.usage,
    spent,
    cost,
    drained: call.isDrained,
    limit: error?.details.limit,
    shadowLimits: hold?.shadowed ?? [],
    stopReason: outcome?.stopReason && cut(outcome.stopReason, MAX_NAME_CHARS),
    upstreamRequestId: shortId(outcome?.upstreamRequestId ?? error?.details.upstream?.requestId),
    ignored: cutList(failure?.ignored ?? call.answer?.ignored ?? [], NAMES),
    anomalies: cutList(outcome?.anomalies ?? [], NAMES),
    error: error && recordedError(error),
    logged: snapshot.log.requests,
  };
}

function shortId(id: string | undefined): string | undefined {
  return id && cut(id, MAX_NAME_CHARS);
}

/** What the name of a model looks like; any other text could be part of a prompt. */
const MODEL_WORD = /^[\w.:@/+-]+…?$/;
/** Limits for the names of fields and anomalies. */
const NAMES = { items: 50, chars: MAX_NAME_CHARS } as const;
