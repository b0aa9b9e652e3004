/** The log line of a request. */

import { codeOf, errorRow, type RefusingLimit } from "../base/errors.ts";
import type { LogFields, Logger } from "../base/log/log.ts";
import { usdText } from "../facts/cost.ts";
import type { RecordedAttempt, RecordSink, RequestRecord } from "../snapshot/record.ts";
import { countedTokens } from "./counted_tokens.ts";

/** Writes one line per request, at the level of its error. If request logging is disabled, writes only failures. */
export function requestLog(logger: Logger): RecordSink {
  return (record) => {
    const { error } = record;
    const level = error === undefined ? "info" : errorRow(error.kind).level;
    if (!record.logged && level === "info") return;
    logger.log(level, "request", requestFields(record));
  };
}

/** The fields of the line; undefined ones are omitted. */
export function requestFields(record: RequestRecord): LogFields {
  const { error, ignored, anomalies, spent, cost } = record;
  const tokens = countedTokens(record);
  return {
    request_id: record.requestId,
    caller: record.caller,
    team: record.team,
    remote_address: record.remoteAddress,
    user_agent: record.userAgent,
    client_request_id: record.clientRequestId,
    trace_id: record.trace?.traceId,
    method: record.method,
    path: record.path,
    dialect: record.dialect,
    model: record.model,
    requested_model: record.requestedModel ?? record.insteadOf?.model,
    spent_budget: record.insteadOf?.budget,
    provider: record.provider,
    region: record.region,
    model_id: record.modelId,
    target: record.target,
    attempts: record.hadChoice || record.attempts.length > 1 ? record.attempts.map(attemptFields) : undefined,
    passed_over: record.passedOver.length === 0
      ? undefined
      : record.passedOver.map(({ target, because }) => `${target}: ${because}`),
    stream: record.stream,
    status: record.status,
    duration_ms: record.durationMs,
    first_byte_ms: record.firstByteMs,
    input_tokens: tokens?.inputTokens,
    output_tokens: tokens?.outputTokens,
    cache_read_tokens: tokens?.cacheReadTokens,
    cache_write_tokens: tokens?.cacheWriteTokens,
    cost_usd: cost?.nano === undefined ? undefined : usdText(cost.nano),
    estimated: spent?.estimated === true ? true : undefined,
    drained: record.drained ? true : undefined,
    stop_reason: record.stopReason,
    upstream_request_id: record.upstreamRequestId,
    ignored: ignored.length === 0 ? undefined : ignored,
    anomalies: anomalies.length === 0 ? undefined : anomalies,
    error: error && codeOf(error.kind),
    openai_code: error?.openAiCode,
    param: error?.param,
    reason: error?.reason,
    limit: record.limit && limitText(record.limit),
    shadow_limits: record.shadowLimits.length === 0 ? undefined : record.shadowLimits.map(limitText),
    upstream_status: error?.upstream?.status,
    upstream_error: error?.upstream?.type,
    upstream_message: error?.upstream?.message,
    cause: error?.cause,
  };
}

function limitText({ rule, what }: RefusingLimit): string {
  return `${rule};${what}`;
}

function attemptFields({ target, error, ms, upstreamRequestId }: RecordedAttempt) {
  return { target, error: error && codeOf(error), ms, upstream_request_id: upstreamRequestId };
}
