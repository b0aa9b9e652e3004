/** Reads sums of usage, single requests and the state of budgets from the ledger. */

import type { DatabaseSync } from "node:sqlite";
import { kindsOf } from "../base/errors.ts";
import type { BudgetRow } from "../snapshot/budget.ts";
import type { LedgerRow } from "./row.ts";

const HOUR_MS = 3_600_000;

/** What usage can be grouped by; the last three are periods. */
export const GROUPS = ["caller", "team", "model", "target", "tier", "tags", "hour", "day", "month"] as const;
export type Group = (typeof GROUPS)[number];

/** Names by which usage can be filtered. */
export const FILTERS = ["caller", "team", "model", "target", "tier"] as const;
export type Filters = Readonly<Partial<Record<(typeof FILTERS)[number], string>>>;

export interface UsageQuery {
  /** Inclusive. Usage is kept by the hour, so the hour that contains this time counts as a whole. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly groupBy: readonly Group[];
  /** IANA name of the time zone by which days and months begin. */
  readonly timeZone: string;
  readonly filter: Filters;
}

/** Sums over requests. */
export interface UsageSums {
  readonly requests: bigint;
  readonly errors: bigint;
  readonly input: bigint;
  readonly output: bigint;
  readonly cacheRead: bigint;
  readonly cacheWrite: bigint;
  readonly cacheWrite1h: bigint;
  readonly reasoning: bigint;
  readonly images: bigint;
  /** Nanodollars of all requests with a known price. */
  readonly costNano: bigint;
  /** Requests whose price is unknown. */
  readonly unpriced: bigint;
  readonly estimated: bigint;
}

export interface UsageRow {
  /** The values of the groups. Periods are ISO dates, months, or times in UTC. */
  readonly keys: Readonly<Partial<Record<Group, string>>>;
  readonly sums: UsageSums;
}

export interface UsageResult {
  readonly rows: readonly UsageRow[];
  readonly total: UsageSums;
}

/** The columns of the sums in the table `usage_hour`. */
export const SUM_COLUMNS = {
  requests: "requests",
  errors: "errors",
  input: "input",
  output: "output",
  cacheRead: "cache_read",
  cacheWrite: "cache_write",
  cacheWrite1h: "cache_write_1h",
  reasoning: "reasoning",
  images: "images",
  costNano: "cost_nano",
  unpriced: "unpriced",
  estimated: "estimated",
} as const satisfies Record<keyof UsageSums, string>;

const SUM_KEYS = Object.keys(SUM_COLUMNS) as (keyof UsageSums)[];

/** The names of the sums in the result of a query. */
const RESULT_COLUMNS = SUM_KEYS.map((key) => [key, `sum_${SUM_COLUMNS[key]}`] as const);

type MutableSums = Record<keyof UsageSums, bigint>;

function noSums(): MutableSums {
  return Object.fromEntries(SUM_KEYS.map((key) => [key, 0n])) as MutableSums;
}

/** Usage by groups, sorted by their names, and the total over all of them. */
export function queryUsage(database: DatabaseSync, query: UsageQuery): UsageResult {
  const names = query.groupBy.filter((group) => !isPeriod(group));
  const period = query.groupBy.find(isPeriod);
  const columns = [
    ...names.map((name) => `usage_hour.${name}`),
    ...(period === undefined ? [] : ["hour"]),
  ];
  const { where, values } = conditions(query.filter, ["hour >= ?", "hour < ?"]);
  const sql = `SELECT ${
    [
      ...names.map((name) => `(SELECT text FROM name WHERE id = usage_hour.${name}) AS ${name}`),
      ...(period === undefined ? [] : ["hour"]),
      ...Object.values(SUM_COLUMNS).map((column) => `SUM(${column}) AS sum_${column}`),
    ].join(", ")
  } FROM usage_hour WHERE ${where} ${columns.length === 0 ? "" : `GROUP BY ${columns.join(", ")}`}`;
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  const rows = new Map<string, { readonly keys: UsageRow["keys"]; readonly sums: MutableSums }>();
  const total = noSums();
  const from = Math.floor(query.fromMs / HOUR_MS);
  const to = Math.ceil(query.toMs / HOUR_MS);
  const periods = new Map<unknown, string>();
  const periodAt = (hour: unknown, group: Group): string => {
    let text = periods.get(hour);
    if (text === undefined) {
      periods.set(hour, text = periodOf(Number(hour) * HOUR_MS, group, query.timeZone));
    }
    return text;
  };
  for (const row of statement.iterate(from, to, ...values)) {
    add(total, row);
    if (query.groupBy.length === 0) continue;
    const texts = query.groupBy.map((group) =>
      group === period ? periodAt(row["hour"], group) : String(row[group] ?? "")
    );
    const key = JSON.stringify(texts);
    let known = rows.get(key);
    if (known === undefined) {
      const keys = Object.fromEntries(query.groupBy.map((group, index) => [group, texts[index]]));
      rows.set(key, known = { keys, sums: noSums() });
    }
    add(known.sums, row);
  }
  return { rows: [...rows].sort(([one], [other]) => one < other ? -1 : 1).map(([, row]) => row), total };
}

function isPeriod(group: Group): boolean {
  return group === "hour" || group === "day" || group === "month";
}

function periodOf(ms: number, group: Group, timeZone: string): string {
  if (group === "hour") return new Date(ms).toISOString();
  const date = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDate();
  return group === "day" ? date.toString() : date.toPlainYearMonth().toString();
}

function add(sums: MutableSums, row: Readonly<Record<string, unknown>>): void {
  for (const [key, column] of RESULT_COLUMNS) {
    const value = row[column];
    // A sum of no rows is null.
    if (typeof value === "bigint") sums[key] += value;
  }
}

/** The conditions of a `WHERE` clause, and the values of its last parameters. */
export interface Conditions {
  readonly where: string;
  readonly values: readonly string[];
}

const NAMED_IS = (name: string) => `${name} = (SELECT id FROM name WHERE kind = '${name}' AND text = ?)`;

/** The conditions for a filter, after other conditions. */
export function conditions(filter: Filters, first: readonly string[]): Conditions {
  const given = FILTERS.flatMap((name) => filter[name] === undefined ? [] : [[name, filter[name]] as const]);
  return {
    where: [...first, ...given.map(([name]) => NAMED_IS(name))].join(" AND "),
    values: given.map(([, value]) => value),
  };
}

/** The conditions for a filter of single requests; those on `error` and `request_id` have their own indexes. */
function requestConditions(
  { error, request_id: id, ...filter }: RequestFilters,
  first: readonly string[],
): Conditions {
  const { where, values } = conditions(filter, first);
  return {
    where: [
      where,
      ...(error === undefined ? [] : [error === ANY ? ANY_ERROR : NAMED_IS("error")]),
      ...(id === undefined ? [] : ["request_id = ?"]),
    ].join(" AND "),
    values: [
      ...values,
      ...(error === undefined || error === ANY ? [] : [error]),
      ...(id === undefined ? [] : [id]),
    ],
  };
}

/** A filter that matches any error. */
const ANY = "*";
const ANY_ERROR = "error IN (SELECT id FROM name WHERE kind = 'error' AND text <> '')";

/** Names by which single requests can be filtered; `error` is a code, or `*` for any error. */
export const REQUEST_FILTERS = [...FILTERS, "error", "request_id"] as const;
export type RequestFilters = Readonly<Partial<Record<(typeof REQUEST_FILTERS)[number], string>>>;

/** The position of a row in the order of time. */
export interface RequestCursor {
  readonly atMs: number;
  readonly seq: number;
}

export interface RequestsQuery {
  readonly fromMs: number;
  readonly toMs: number;
  readonly filter: RequestFilters;
  /** Only rows after this one, in the order of the query. */
  readonly cursor: RequestCursor | undefined;
  readonly order: "newest" | "oldest";
  readonly limit: number;
}

/** A request in the ledger. */
export interface StoredRequest extends Omit<LedgerRow, "costNano"> {
  readonly seq: number;
  /** Nanodollars; null if the price is unknown. */
  readonly costNano: bigint | null;
}

const NAMED = [
  "caller",
  "team",
  "model",
  "target",
  "model_id",
  "region",
  "api",
  "error",
  "tier",
  "price",
  "tags",
] as const;

/** One page of requests. */
export function queryRequests(database: DatabaseSync, query: RequestsQuery): readonly StoredRequest[] {
  const { filter, order, limit } = query;
  const { error } = filter;
  if (error === undefined || error === ANY) return queryPage(database, query);
  // One query per kind, as the index of errors contains the rows of each kind in the right order.
  const pages = kindsOf(error).map((kind) =>
    queryPage(database, { ...query, filter: { ...filter, error: kind } })
  );
  const sign = order === "newest" ? -1 : 1;
  return pages.flat().sort((one, other) => sign * (one.atMs - other.atMs || one.seq - other.seq))
    .slice(0, limit);
}

/** One page of requests; `error` in the filter is a kind. */
function queryPage(database: DatabaseSync, query: RequestsQuery): readonly StoredRequest[] {
  const { cursor, order, limit, filter, fromMs, toMs } = query;
  const newest = order === "newest";
  const direction = newest ? "DESC" : "ASC";
  const { where, values } = requestConditions(filter, [
    "at_ms >= ?",
    "at_ms < ?",
    ...(cursor === undefined ? [] : [newest ? "(at_ms, seq) < (?, ?)" : "(at_ms, seq) > (?, ?)"]),
  ]);
  const texts = NAMED.map((name) => `(SELECT text FROM name WHERE id = request.${name}) AS ${name}_text`);
  const statement = database.prepare(
    `SELECT request.*, ${
      texts.join(", ")
    }, (SELECT json FROM request_detail WHERE seq = request.seq) AS detail
    FROM request WHERE ${where} ORDER BY at_ms ${direction}, seq ${direction} LIMIT ?`,
  );
  statement.setReadBigInts(true);
  // Repeats the cursor's time, by which an index finds the start of the page.
  const bounds = cursor === undefined ? [fromMs, toMs] : [
    newest ? fromMs : Math.max(fromMs, cursor.atMs),
    newest ? Math.min(toMs, cursor.atMs + 1) : toMs,
    cursor.atMs,
    cursor.seq,
  ];
  return statement.all(...bounds, ...values, limit).map((row) => {
    const number = (name: string) => Number(row[name]);
    const text = (name: (typeof NAMED)[number]) => String(row[`${name}_text`] ?? "");
    return {
      seq: number("seq"),
      atMs: number("at_ms"),
      requestId: String(row["request_id"]),
      caller: text("caller"),
      team: text("team"),
      model: text("model"),
      target: text("target"),
      modelId: text("model_id"),
      region: text("region"),
      api: text("api"),
      status: number("status"),
      error: text("error"),
      attempts: number("attempts"),
      ms: number("ms"),
      firstMs: row["first_ms"] === null ? null : number("first_ms"),
      input: number("input"),
      output: number("output"),
      cacheRead: number("cache_read"),
      cacheWrite: number("cache_write"),
      cacheWrite1h: number("cache_write_1h"),
      reasoning: number("reasoning"),
      images: number("images"),
      tier: text("tier"),
      costNano: row["cost_nano"] === null ? null : BigInt(String(row["cost_nano"])),
      price: text("price"),
      isEstimated: number("estimated") === 1,
      tags: text("tags"),
      detail: String(row["detail"] ?? ""),
    };
  });
}

/** The JSON of the latest event of a kind; undefined if there is none. */
export function queryLastEvent(database: DatabaseSync, kind: string): string | undefined {
  const row = database.prepare("SELECT json FROM event WHERE kind = ? ORDER BY id DESC LIMIT 1").get(kind);
  return row === undefined ? undefined : String(row["json"]);
}

/** The state of every budget in every window that the ledger has. */
export function queryBudgets(database: DatabaseSync): readonly BudgetRow[] {
  const statement = database.prepare("SELECT * FROM budget");
  statement.setReadBigInts(true);
  return statement.all().map((row) => ({
    name: String(row["name"]),
    subject: String(row["subject"]),
    windowStartMs: Number(row["window_start"]),
    windowEndMs: row["window_end"] === null ? null : Number(row["window_end"]),
    spent: BigInt(String(row["spent"])),
    held: BigInt(String(row["held"])),
    requests: Number(row["requests"]),
    alerted: Number(row["alerted"]),
  }));
}
