/** One settled request as a row of the ledger; plain data, which can be sent to the ledger's thread. */

import { type ErrorKind, ERRORS } from "../base/errors.ts";
import type { Usage } from "../base/usage.ts";
import type { RequestRecord } from "../snapshot/record.ts";

export interface LedgerRow {
  readonly atMs: number;
  readonly requestId: string;
  readonly caller: string;
  readonly team: string;
  readonly model: string;
  readonly target: string;
  readonly modelId: string;
  readonly region: string;
  readonly api: string;
  readonly status: number;
  /** Kind of the error; empty for none. */
  readonly error: string;
  readonly attempts: number;
  readonly ms: number;
  readonly firstMs: number | null;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** The part of `cacheWrite` with a lifetime of an hour. */
  readonly cacheWrite1h: number;
  readonly reasoning: number;
  readonly images: number;
  readonly tier: string;
  /** Nanodollars; null if the price is unknown. */
  readonly costNano: number | null;
  readonly price: string;
  readonly isEstimated: boolean;
  /** JSON of the caller's tags, with sorted names. */
  readonly tags: string;
  /** JSON with details for the operator; empty for a request that succeeded in the first attempt. */
  readonly detail: string;
}

/** The members of a record that have no column. */
type Detail = Pick<
  RequestRecord,
  | "remoteAddress"
  | "method"
  | "path"
  | "endpoint"
  | "userAgent"
  | "clientRequestId"
  | "trace"
  | "requestedModel"
  | "insteadOf"
  | "provider"
  | "stream"
  | "attempts"
  | "passedOver"
  | "stopReason"
  | "upstreamRequestId"
  | "limit"
  | "shadowLimits"
  | "ignored"
  | "anomalies"
  | "drained"
  | "error"
>;

/** The row of a record. Requests without an authenticated caller have an empty caller. */
export function toRow(record: RequestRecord, nowMs: number): LedgerRow {
  const { spent, cost, error, attempts } = record;
  const usage = spent?.usage;
  return {
    atMs: nowMs,
    requestId: record.requestId,
    caller: record.caller ?? "",
    team: record.team ?? "",
    model: record.model ?? "",
    target: record.target ?? record.provider ?? "",
    modelId: record.modelId ?? "",
    region: record.region ?? "",
    api: record.dialect,
    status: record.status,
    error: error?.kind ?? "",
    attempts: Math.max(attempts.length, record.provider === undefined ? 0 : 1),
    ms: record.durationMs,
    firstMs: record.firstByteMs ?? null,
    input: usage?.inputTokens ?? 0,
    output: usage?.outputTokens ?? 0,
    cacheRead: usage?.cacheReadTokens ?? 0,
    cacheWrite: usage?.cacheWriteTokens ?? 0,
    cacheWrite1h: usage?.cacheWrite1hTokens ?? 0,
    reasoning: usage?.reasoningTokens ?? 0,
    images: usage?.images ?? 0,
    tier: usage?.tier ?? "",
    costNano: cost === undefined ? 0 : cost.nano ?? null,
    price: cost?.price ?? "",
    isEstimated: spent?.estimated === true,
    tags: tagsText(record.tags),
    detail: error === undefined && attempts.length <= 1 && record.insteadOf === undefined &&
        usage?.guardrail === undefined
      ? ""
      : detailText(record),
  };
}

/** Written out for speed, so that a flood of refused requests costs little. */
function detailText(record: Detail): string {
  const detail: Detail = {
    remoteAddress: record.remoteAddress,
    method: record.method,
    path: record.path,
    endpoint: record.endpoint,
    userAgent: record.userAgent,
    clientRequestId: record.clientRequestId,
    trace: record.trace,
    requestedModel: record.requestedModel,
    insteadOf: record.insteadOf,
    provider: record.provider,
    stream: record.stream,
    attempts: record.attempts,
    passedOver: record.passedOver,
    stopReason: record.stopReason,
    upstreamRequestId: record.upstreamRequestId,
    limit: record.limit,
    shadowLimits: record.shadowLimits,
    ignored: record.ignored,
    anomalies: record.anomalies,
    drained: record.drained,
    error: record.error,
  };
  return JSON.stringify(detail);
}

/** The record of a row; members that the row does not have are empty or undefined. */
export function toRecord(
  row: Omit<LedgerRow, "costNano"> & { readonly costNano: bigint | number | null },
): RequestRecord {
  const text = (value: string) => value === "" ? undefined : value;
  const { guardrail: _, ...detail } = detailIn(row.detail);
  return {
    ...NO_DETAIL,
    ...(row.error !== "" && { error: { ...NO_WORDS, kind: kindOf(row.error) } }),
    ...detail,
    requestId: row.requestId,
    caller: text(row.caller),
    team: text(row.team),
    tags: row.tags === "" ? {} : JSON.parse(row.tags),
    dialect: row.api,
    startedAtMs: row.atMs - row.ms,
    model: text(row.model),
    modelId: text(row.modelId),
    region: text(row.region),
    target: text(row.target),
    hadChoice: row.attempts > 1,
    status: row.status,
    durationMs: row.ms,
    firstByteMs: row.firstMs ?? undefined,
    overheadMs: undefined,
    usage: undefined,
    spent: { usage: usageOf(row), estimated: row.isEstimated },
    cost: { nano: row.costNano === null ? undefined : Number(row.costNano), price: text(row.price) },
    logged: true,
  };
}

/** The usage of a row's request, without the searches of a reranker, which have no column. */
export function usageOf(row: Omit<LedgerRow, "costNano">): Usage {
  const { guardrail } = detailIn(row.detail);
  return {
    inputTokens: row.input,
    outputTokens: row.output,
    cacheReadTokens: row.cacheRead,
    cacheWriteTokens: row.cacheWrite,
    cacheWrite1hTokens: row.cacheWrite1h,
    reasoningTokens: row.reasoning,
    images: row.images,
    ...(row.tier !== "" && { tier: row.tier }),
    ...(guardrail !== undefined && { guardrail }),
  };
}

const NO_WORDS = { reason: undefined, param: undefined, upstream: undefined, cause: undefined } as const;

const NO_DETAIL: Detail = {
  remoteAddress: "",
  method: "",
  path: "",
  endpoint: undefined,
  userAgent: undefined,
  clientRequestId: undefined,
  trace: undefined,
  requestedModel: undefined,
  insteadOf: undefined,
  provider: undefined,
  stream: undefined,
  attempts: [],
  passedOver: [],
  stopReason: undefined,
  upstreamRequestId: undefined,
  limit: undefined,
  shadowLimits: [],
  ignored: [],
  anomalies: [],
  drained: false,
  error: undefined,
};

/** Its shape need not be checked, as `detailText` has written it. */
function detailIn(json: string): Partial<Detail> & Pick<Usage, "guardrail"> {
  return json === "" ? {} : JSON.parse(json);
}

/** A kind that only a later version knows becomes `internal`. */
function kindOf(text: string): ErrorKind {
  return KINDS.find((kind) => kind === text) ?? "internal";
}

const KINDS = Object.keys(ERRORS) as readonly ErrorKind[];

function tagsText(tags: Readonly<Record<string, string>>): string {
  const names = Object.keys(tags).sort();
  return names.length === 0
    ? ""
    : JSON.stringify(Object.fromEntries(names.map((name) => [name, tags[name]])));
}
