/** A request's record as a log line. */

import { errorRow } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { usdText } from "../facts/cost.ts";
import type { RecordedAttempt, RecordSink } from "../snapshot/record.ts";

/** Writes one line per request, at the level of its error; if request logging is disabled, only failures. */
export function requestLog(logger: Logger): RecordSink {
  return (record) => {
    const { error, usage, spent, cost, ignored, anomalies } = record;
    const level = error === undefined ? "info" : errorRow(error.kind).level;
    if (!record.logged && level === "info") return;
    logger.log(level, "request", {
      request_id: record.requestId,
      caller: record.caller,
      remote_address: record.remoteAddress,
      method: record.method,
      path: record.path,
      dialect: record.dialect,
      model: record.model,
      provider: record.provider,
      target: record.target,
      attempts: record.attempts.length === 0 ? undefined : record.attempts.map(attemptFields),
      passed_over: record.passedOver.length === 0
        ? undefined
        : record.passedOver.map(({ target, because }) => `${target}: ${because}`),
      status: record.status,
      duration_ms: record.durationMs,
      first_byte_ms: record.firstByteMs,
      input_tokens: usage?.inputTokens,
      output_tokens: usage?.outputTokens,
      cache_read_tokens: usage?.cacheReadTokens,
      cache_write_tokens: usage?.cacheWriteTokens,
      cost_usd: cost?.nano === undefined ? undefined : usdText(cost.nano),
      estimated: spent?.estimated === true ? true : undefined,
      stop_reason: record.stopReason,
      upstream_request_id: record.upstreamRequestId,
      ignored: ignored.length === 0 ? undefined : ignored,
      anomalies: anomalies.length === 0 ? undefined : anomalies,
      error: error?.kind,
      upstream_status: error?.upstream?.status,
      upstream_error: error?.upstream?.type,
      upstream_message: error?.upstream?.message,
      cause: error?.cause,
    });
  };
}

function attemptFields({ target, error, ms, upstreamRequestId }: RecordedAttempt) {
  return { target, error, ms, upstream_request_id: upstreamRequestId };
}
