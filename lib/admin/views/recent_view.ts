/** The last requests in memory: attempts, cost, and reasons for failures. */

import { codeOf, type RefusingLimit } from "../../base/errors.ts";
import { costParts, usdText } from "../../facts/cost.ts";
import { guardrailPriceOf, priceOf, withGuardrails } from "../../facts/price_book.ts";
import { TOKEN_PARTS } from "../../facts/token_parts.ts";
import type { RecordedAttempt, RequestRecord } from "../../snapshot/record.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import type {
  AttemptView,
  CostPartView,
  CostView,
  ErrorView,
  LimitHitView,
  RecentRequestView,
  RecentView,
} from "../contract/contract.ts";
import { cursorIn, limitIn, type ReadQuery } from "./pages.ts";
import type { ViewSources } from "./view_sources.ts";

const PAGE = { byDefault: 100, max: 1000 } as const;

/** A page of requests that match the filters, newest first. */
export function recentView({ recent }: ViewSources, read: ReadQuery): RecentView {
  const limit = limitIn(read, PAGE);
  const isWanted = filterIn(read);
  const requests: RecentRequestView[] = [];
  let last: number | undefined;
  for (const { seq, record } of recent.newest(cursorIn(read))) {
    if (!isWanted(record)) continue;
    // One request more than fits shows that there is another page.
    if (requests.length === limit) return { requests, kept: recent.size, next_cursor: String(last) };
    requests.push(recentRequest(record));
    last = seq;
  }
  return { requests, kept: recent.size, next_cursor: null };
}

/** One request in full; undefined if it is no longer in memory. */
export function recentDetail(
  { recent, snapshot }: ViewSources,
  requestId: string,
): RecentRequestView | undefined {
  for (const { record } of recent.newest()) {
    if (record.requestId === requestId) return requestInFull(record, snapshot());
  }
  return undefined;
}

/** A request with the parts of its cost. */
export function requestInFull(record: RequestRecord, snapshot: Snapshot): RecentRequestView {
  return { ...recentRequest(record), cost: costView(record, partsOf(record, snapshot)) };
}

const FILTERS: Readonly<Record<string, (record: RequestRecord, value: string) => boolean>> = {
  caller: ({ caller }, value) => caller === value,
  team: ({ team }, value) => team === value,
  model: ({ model, requestedModel }, value) => (model ?? requestedModel) === value,
  target: ({ target }, value) => target === value,
  error: ({ error }, value) => error !== undefined && (value === "*" || value === codeOf(error.kind)),
  request_id: ({ requestId, clientRequestId, trace }, value) =>
    requestId === value || clientRequestId === value || trace?.traceId === value,
};

function filterIn(read: ReadQuery): (record: RequestRecord) => boolean {
  const given = Object.entries(FILTERS).flatMap(([name, test]) => {
    const value = read(`filter.${name}`);
    return value === null || value === "" ? [] : [(record: RequestRecord) => test(record, value)];
  });
  return (record) => given.every((test) => test(record));
}

function recentRequest(record: RequestRecord): RecentRequestView {
  const { spent, passedOver, shadowLimits } = record;
  const usage = spent?.usage;
  return {
    time: new Date(record.startedAtMs).toISOString(),
    request_id: record.requestId,
    client_request_id: record.clientRequestId ?? null,
    trace_id: record.trace?.traceId ?? null,
    caller: record.caller ?? null,
    team: record.team ?? null,
    tags: record.tags,
    remote_address: record.remoteAddress,
    user_agent: record.userAgent ?? null,
    method: record.method,
    path: record.path,
    dialect: record.dialect,
    endpoint: record.endpoint ?? null,
    model: record.model ?? null,
    requested_model: record.requestedModel ?? record.insteadOf?.model ?? null,
    spent_budget: record.insteadOf?.budget ?? null,
    provider: record.provider ?? null,
    region: record.region ?? null,
    model_id: record.modelId ?? null,
    target: record.target ?? null,
    stream: record.stream ?? null,
    status: record.status,
    duration_ms: record.durationMs,
    first_byte_ms: record.firstByteMs ?? null,
    stop_reason: record.stopReason ?? null,
    upstream_request_id: record.upstreamRequestId ?? null,
    attempts: record.attempts.map(attemptView),
    passed_over: passedOver.map(({ target, because }) => ({ target, because })),
    usage: usage === undefined ? null : {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      cache_read_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
      reasoning_tokens: usage.reasoningTokens ?? 0,
      images: usage.images ?? 0,
      tier: usage.tier ?? null,
      estimated: spent?.estimated === true,
    },
    cost: costView(record, { parts: [], factor: 1 }),
    error: errorView(record),
    shadow_limits: shadowLimits.map(limitHit),
    ignored: record.ignored,
    anomalies: record.anomalies,
  };
}

function attemptView(attempt: RecordedAttempt): AttemptView {
  const { error, upstreamRequestId } = attempt;
  return {
    target: attempt.target,
    provider: attempt.provider,
    region: attempt.region,
    model_id: attempt.modelId,
    start_ms: attempt.startMs,
    duration_ms: attempt.ms,
    error: error === undefined ? null : codeOf(error),
    upstream_request_id: upstreamRequestId ?? null,
  };
}

function errorView({ error, limit }: RequestRecord): ErrorView | null {
  if (error === undefined) return null;
  const { kind, openAiCode, reason, param, upstream, cause } = error;
  return {
    code: codeOf(kind),
    openai_code: openAiCode ?? null,
    reason: reason ?? null,
    param: param ?? null,
    upstream_status: upstream?.status ?? null,
    upstream_type: upstream?.type ?? null,
    upstream_message: upstream?.message ?? null,
    cause: cause ?? null,
    limit: limit === undefined ? null : limitHit(limit),
  };
}

function limitHit({ rule, what }: RefusingLimit): LimitHitView {
  return { rule, what };
}

type Parts = Pick<CostView, "parts" | "factor">;

function costView({ cost }: RequestRecord, { parts, factor }: Parts): CostView | null {
  if (cost === undefined) return null;
  return {
    usd: cost.nano === undefined ? null : usdText(cost.nano),
    price: cost.price ?? null,
    parts,
    factor,
  };
}

/** By the prices of the running configuration, if they still have the row that was used. */
function partsOf(
  { spent, cost, model, target, modelId, region, startedAtMs, durationMs }: RequestRecord,
  { models, prices }: Snapshot,
): Parts {
  const none = { parts: [], factor: 1 };
  if (spent === undefined || cost?.price === undefined || modelId === undefined || region === undefined) {
    return none;
  }
  const settings = models.get(model ?? "")?.targets.find(({ name }) => name === target);
  const billed = { id: modelId, baseModel: settings?.baseModel, region };
  const row = priceOf(billed, prices, startedAtMs + durationMs)?.row;
  if (row?.id !== cost.price) return none;
  const guardrails = guardrailPriceOf(region, prices, startedAtMs + durationMs);
  const { parts, factor } = costParts(spent.usage, withGuardrails(row, guardrails));
  return { parts: parts.map(partView), factor };
}

function partView({ what, count, each }: ReturnType<typeof costParts>["parts"][number]): CostPartView {
  const isUnit = !TOKEN_PARTS.some((part) => part === what);
  return {
    what,
    count,
    price_usd: usdText(Math.round(isUnit ? each / 1000 : each * 1000)),
    usd: usdText(Math.round(each * count / 1000)),
  };
}
