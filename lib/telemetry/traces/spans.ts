/**
 * Spans of a request as OTLP JSON: one for the request, and one per attempt with the attributes of OpenTelemetry's
 * conventions for generative AI (https://opentelemetry.io/docs/specs/semconv/gen-ai/).
 */

import { codeOf } from "../../base/errors.ts";
import type { RecordedAttempt, RequestRecord } from "../../snapshot/record.ts";

/** https://github.com/open-telemetry/opentelemetry-proto, in its JSON mapping. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  /** Nanoseconds since the Unix epoch, in decimal. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number; readonly message?: string };
}

export interface Attribute {
  readonly key: string;
  readonly value: AttributeValue;
}

type AttributeValue =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly boolValue: boolean }
  | { readonly arrayValue: { readonly values: readonly AttributeValue[] } };

type Value = string | number | boolean | readonly string[] | undefined;

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;

/** `gen_ai.operation.name` by endpoint; the others use the endpoint's name. */
const OPERATIONS: Readonly<Record<string, string>> = {
  chat: "chat",
  messages: "chat",
  responses: "chat",
  embeddings: "embeddings",
};

/** The trace id of a request: the caller's or, without one, the digits of the request id. */
export function traceIdOf({ trace, requestId }: RequestRecord): string {
  return trace?.traceId ?? requestId.replace(/^req_/, "");
}

/** The spans of a request; the first is for the request itself. `newSpanId` returns 16 hexadecimal digits. */
export function spansOf(record: RequestRecord, newSpanId: () => string): readonly Span[] {
  const traceId = traceIdOf(record);
  const server = serverSpan(record, { traceId, spanId: newSpanId() });
  const attempts = record.attempts.map((attempt) =>
    clientSpan(record, attempt, { traceId, spanId: newSpanId(), parentSpanId: server.spanId })
  );
  return [server, ...attempts];
}

type Ids = Pick<Span, "traceId" | "spanId" | "parentSpanId">;

function serverSpan(record: RequestRecord, ids: Ids): Span {
  const { error, startedAtMs, durationMs, method, path } = record;
  return {
    ...ids,
    ...(record.trace !== undefined && { parentSpanId: record.trace.parentId }),
    name: `${method} ${record.endpoint ?? path}`,
    kind: SERVER,
    startTimeUnixNano: nanoseconds(startedAtMs),
    endTimeUnixNano: nanoseconds(startedAtMs + durationMs),
    attributes: attributesOf({
      "http.request.method": method,
      "url.path": path,
      "http.response.status_code": record.status,
      "client.address": record.remoteAddress === "" ? undefined : record.remoteAddress,
      "user_agent.original": record.userAgent,
      "error.type": error && codeOf(error.kind),
      "gen_ai.request.model": record.model ?? record.requestedModel,
      "adit.request_id": record.requestId,
      "adit.client_request_id": record.clientRequestId,
      "adit.caller": record.caller,
      "adit.team": record.team,
      "adit.dialect": record.dialect,
      "adit.first_byte_ms": record.firstByteMs,
    }),
    status: error === undefined ? {} : { code: ERROR, message: error.reason ?? codeOf(error.kind) },
  };
}

function clientSpan(record: RequestRecord, attempt: RecordedAttempt, ids: Ids): Span {
  const { startedAtMs, durationMs, endpoint = "" } = record;
  const isLast = attempt === record.attempts.at(-1);
  const startMs = startedAtMs + attempt.startMs;
  // The recorded time of an attempt ends when its answer begins, but the span includes the answer.
  const endMs = isLast && attempt.error === undefined ? startedAtMs + durationMs : startMs + attempt.ms;
  const operation = OPERATIONS[endpoint] ?? endpoint;
  const error = attempt.error ?? (isLast ? record.error?.kind : undefined);
  return {
    ...ids,
    name: attempt.modelId === "" ? operation : `${operation} ${attempt.modelId}`,
    kind: CLIENT,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(Math.max(startMs, endMs)),
    attributes: attributesOf({
      "gen_ai.operation.name": operation,
      "gen_ai.provider.name": "aws.bedrock",
      "gen_ai.request.model": attempt.modelId === "" ? undefined : attempt.modelId,
      "cloud.region": attempt.region,
      "aws.request_id": attempt.upstreamRequestId,
      "adit.provider": attempt.provider,
      "adit.target": attempt.target,
      "error.type": error && codeOf(error),
      ...(isLast && usageAttributes(record)),
    }),
    status: error === undefined ? {} : { code: ERROR, message: codeOf(error) },
  };
}

function usageAttributes({ usage, stopReason }: RequestRecord): Readonly<Record<string, Value>> {
  if (usage === undefined) return {};
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
  return {
    // Unlike Bedrock, the convention counts cached tokens as input.
    "gen_ai.usage.input_tokens": inputTokens + cacheReadTokens + cacheWriteTokens,
    "gen_ai.usage.output_tokens": outputTokens,
    "gen_ai.usage.cache_read.input_tokens": cacheReadTokens,
    "gen_ai.usage.cache_creation.input_tokens": cacheWriteTokens,
    "gen_ai.response.finish_reasons": stopReason === undefined ? undefined : [stopReason],
  };
}

function attributesOf(values: Readonly<Record<string, Value>>): readonly Attribute[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: attributeValue(value) }]
  );
}

function attributeValue(value: Exclude<Value, undefined>): AttributeValue {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "number":
      return { intValue: String(Math.round(value)) };
    case "boolean":
      return { boolValue: value };
    case "object":
      return { arrayValue: { values: value.map(attributeValue) } };
  }
}

/** Milliseconds in nanoseconds, as text because they do not fit into a number. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms)}000000`;
}
