/** Recomputes the cost of requests in the ledger by the current prices, and the sums by the hour. */

import type { DatabaseSync } from "node:sqlite";
import type { GuardrailUnits } from "../base/usage.ts";
import { costOf } from "../facts/cost.ts";
import { guardrailPriceOf, priceOf, type PriceRules, withGuardrails } from "../facts/price_book.ts";
import {
  conditions,
  queryRequests,
  type RequestCursor,
  type StoredRequest,
  type UsageQuery,
} from "./queries.ts";
import { usageOf } from "./row.ts";
import { inTransaction } from "./transaction.ts";

const HOUR_MS = 3_600_000;
/** Maximum number of rows that one step changes in a transaction, during which a running gateway cannot write. */
const STEP_ROWS = 500;

/** Why the cost of a request was not recomputed. */
export const LEFT_REASONS = [
  /** The cost remains unknown: there is no price, or none for a part of the usage. */
  "unknown_price",
  /** The cost is kept, because the current prices no longer include one for the request. */
  "price_gone",
  /** Bedrock did not report what it used. */
  "unreported_usage",
  /** Searches are billed, and the ledger has no column for their number. */
  "searches_not_kept",
  /** The model id does not name the model, and the configuration no longer has that id. */
  "unknown_model",
] as const;
export type LeftReason = (typeof LEFT_REASONS)[number];

/** The changes of a model or in total; amounts are in nanodollars. */
export interface Repriced {
  readonly changed: number;
  /** Requests without a cost add nothing. */
  readonly before: bigint;
  readonly after: bigint;
}

export interface RepriceResult {
  readonly requests: number;
  /** Over all requests in the period. */
  readonly total: Repriced;
  /** Number of requests that still have no cost. */
  readonly unpriced: number;
  readonly left: Readonly<Record<LeftReason, number>>;
  /** Over the requests that changed, by model. */
  readonly models: ReadonlyMap<string, Repriced>;
}

export interface RepriceOptions {
  readonly database: DatabaseSync;
  readonly query: Pick<UsageQuery, "fromMs" | "toMs" | "filter">;
  readonly prices: PriceRules;
  /** The base models of the configuration's targets by `targetKey`; undefined if the id names the model. */
  readonly baseModels: ReadonlyMap<string, string | undefined>;
  readonly isDryRun: boolean;
}

/** The key of a model id at a target. */
export function targetKey(target: string, modelId: string): string {
  return JSON.stringify([target, modelId]);
}

interface Change {
  readonly request: StoredRequest;
  readonly costNano: bigint;
  readonly price: string;
}

/** One pass over the requests of a period, in steps: a running gateway can write between them. */
export class Repricing {
  readonly #options: RepriceOptions;
  #cursor: RequestCursor | undefined;
  #requests = 0;
  #unpriced = 0;
  #total: Repriced = NOTHING_CHANGED;
  readonly #left: Record<LeftReason, number> = noneLeft();
  readonly #models = new Map<string, Repriced>();

  constructor(options: RepriceOptions) {
    this.#options = options;
  }

  /** Recomputes the next requests; returns whether there may be more. If it throws, the step has changed nothing. */
  step(): boolean {
    const { database, query: { fromMs, toMs, filter }, isDryRun } = this.#options;
    const cursor = this.#cursor;
    const page = queryRequests(database, {
      ...{ fromMs, toMs, filter, cursor },
      order: "oldest",
      limit: STEP_ROWS,
    });
    const changes = page.flatMap((request) => this.#changeOf(request) ?? []);
    const done = new Map(
      (isDryRun ? changes : applied(database, changes)).map((change) => [change.request.seq, change]),
    );
    for (const request of page) this.#count(request, done.get(request.seq));
    this.#cursor = page.at(-1);
    return page.length === STEP_ROWS;
  }

  result(): RepriceResult {
    return {
      requests: this.#requests,
      total: this.#total,
      unpriced: this.#unpriced,
      left: this.#left,
      models: new Map([...this.#models].sort(([one], [other]) => one < other ? -1 : 1)),
    };
  }

  #changeOf(request: StoredRequest): Change | undefined {
    const now = currentCost(request, this.#options);
    if (now === undefined) return undefined;
    if (typeof now === "string") {
      this.#left[now]++;
      return undefined;
    }
    const isSame = now.costNano === request.costNano && now.price === request.price;
    return isSame ? undefined : { request, ...now };
  }

  #count({ model, costNano }: StoredRequest, change: Change | undefined): void {
    const before = costNano ?? 0n;
    const after = change?.costNano ?? before;
    this.#requests++;
    if (costNano === null && change === undefined) this.#unpriced++;
    const changed = { changed: change === undefined ? 0 : 1, before, after };
    this.#total = sum(this.#total, changed);
    if (change === undefined) return;
    this.#models.set(model, sum(this.#models.get(model) ?? NOTHING_CHANGED, changed));
  }
}

const NOTHING_CHANGED: Repriced = { changed: 0, before: 0n, after: 0n };

function noneLeft(): Record<LeftReason, number> {
  return { unknown_price: 0, price_gone: 0, unreported_usage: 0, searches_not_kept: 0, unknown_model: 0 };
}

function sum(one: Repriced, other: Repriced): Repriced {
  return {
    changed: one.changed + other.changed,
    before: one.before + other.before,
    after: one.after + other.after,
  };
}

/** The cost by the current prices, or the reason why it is unknown; undefined for a request that is not billed. */
function currentCost(
  request: StoredRequest,
  { prices, baseModels }: RepriceOptions,
): Pick<Change, "costNano" | "price"> | LeftReason | undefined {
  const { modelId, region, atMs } = request;
  if (request.costNano === 0n && request.price === "") return undefined;
  const usage = usageOf(request);
  const { guardrail } = usage;
  const guardrails = guardrail && guardrailPriceOf(region, prices, atMs);
  if (isGuardrailAlone(request, guardrail)) {
    const nano = guardrails && costOf(usage, guardrails);
    if (nano === undefined) return request.costNano === null ? "unknown_price" : "price_gone";
    return { costNano: BigInt(nano), price: guardrails?.id ?? "" };
  }
  if (request.costNano === null && hasNoCounts(request)) return "unreported_usage";
  const key = targetKey(request.target, modelId);
  const found = priceOf({ id: modelId, baseModel: baseModels.get(key), region }, prices, atMs);
  if (found?.isAssumed !== false && isOpaque(modelId) && !baseModels.has(key)) return "unknown_model";
  if (found?.row.units.query !== undefined || isReranker(baseModels.get(key) ?? modelId)) {
    return "searches_not_kept";
  }
  const nano = found && costOf(usage, withGuardrails(found.row, guardrails), usage.tier);
  if (nano === undefined) return request.costNano === null ? "unknown_price" : "price_gone";
  return { costNano: BigInt(nano), price: found?.row.id ?? "" };
}

/** Whether the request called a guardrail without a model. */
function isGuardrailAlone({ modelId }: StoredRequest, guardrail: GuardrailUnits | undefined): boolean {
  return guardrail !== undefined && modelId === "";
}

function hasNoCounts({ input, output, cacheRead, cacheWrite, images }: StoredRequest): boolean {
  return input + output + cacheRead + cacheWrite + images === 0;
}

/** An ARN that does not contain the model's id, or an id that was truncated in the ledger. */
function isOpaque(modelId: string): boolean {
  return modelId.endsWith("…") ||
    (modelId.startsWith("arn:") && !/:(?:foundation-model|inference-profile)\//.test(modelId));
}

function isReranker(modelId: string): boolean {
  return modelId.includes(".rerank-");
}

/** Writes changes in one transaction; returns those whose request had not changed since it was read. */
function applied(database: DatabaseSync, changes: readonly Change[]): readonly Change[] {
  if (changes.length === 0) return [];
  const addPrice = database.prepare(
    "INSERT INTO name (kind, text) VALUES ('price', ?) ON CONFLICT DO NOTHING",
  );
  const update = database.prepare(UPDATE_REQUEST);
  const updateHour = database.prepare(UPDATE_HOUR);
  return inTransaction(database, () => {
    for (const price of new Set(changes.map((change) => change.price))) addPrice.run(price);
    return changes.filter(({ request, costNano, price }) => {
      const { seq, costNano: before } = request;
      if (Number(update.run(costNano, price, seq, before, request.price).changes) === 0) return false;
      updateHour.run(costNano - (before ?? 0n), before === null ? 1 : 0, seq);
      return true;
    });
  });
}

const PRICE_ID = "(SELECT id FROM name WHERE kind = 'price' AND text = ?)";
const UPDATE_REQUEST =
  `UPDATE request SET cost_nano = ?, price = ${PRICE_ID} WHERE seq = ? AND cost_nano IS ? AND price = ${PRICE_ID}`;
const UPDATE_HOUR = `UPDATE usage_hour SET cost_nano = cost_nano + ?, unpriced = unpriced - ?
  WHERE (hour, caller, team, model, target, tier, tags) =
    (SELECT at_ms / ${HOUR_MS}, caller, team, model, target, tier, tags FROM request WHERE seq = ?)`;

/** How much of the sums by the hour is of requests whose rows were removed. */
export interface KeptHours {
  readonly hours: number;
  readonly requests: number;
}

/** Counts the hours of a period with such sums, and their requests. */
export function queryKeptHours(database: DatabaseSync, { query }: Pick<RepriceOptions, "query">): KeptHours {
  const hours = conditions(query.filter, ["hour >= ?", "hour < ?"]);
  const rows = conditions(query.filter, [`at_ms >= hour * ${HOUR_MS}`, `at_ms < (hour + 1) * ${HOUR_MS}`]);
  const row = database.prepare(
    `SELECT COUNT(*) AS hours, COALESCE(SUM(gone), 0) AS requests FROM (
      SELECT SUM(requests) - (SELECT COUNT(*) FROM request WHERE ${rows.where}) AS gone
      FROM usage_hour WHERE ${hours.where} GROUP BY hour
    ) WHERE gone > 0`,
  ).get(
    ...rows.values,
    Math.floor(query.fromMs / HOUR_MS),
    Math.ceil(query.toMs / HOUR_MS),
    ...hours.values,
  );
  return { hours: Number(row?.["hours"]), requests: Number(row?.["requests"]) };
}
