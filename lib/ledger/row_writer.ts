/** Writes packed rows to the ledger: many per statement, and the sums of an hour once per batch. */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { NameIds } from "./name_ids.ts";
import { NAMES, NUMBERS, type PackedRows, ROW_NUMBERS } from "./packed_rows.ts";
import { SUM_COLUMNS, type UsageSums } from "./queries.ts";

const HOUR_MS = 3_600_000;

/** The columns with names; a column is also the kind of its names. */
const NAME_COLUMNS = {
  modelId: "model_id",
  model: "model",
  target: "target",
  error: "error",
  api: "api",
  team: "team",
  region: "region",
  price: "price",
  tier: "tier",
  tags: "tags",
  caller: "caller",
} as const satisfies Record<(typeof NAMES)[number], string>;

const NUMBER_COLUMNS = {
  atMs: "at_ms",
  status: "status",
  attempts: "attempts",
  ms: "ms",
  firstMs: "first_ms",
  input: "input",
  output: "output",
  cacheRead: "cache_read",
  cacheWrite: "cache_write",
  cacheWrite1h: "cache_write_1h",
  reasoning: "reasoning",
  images: "images",
  costNano: "cost_nano",
  isEstimated: "estimated",
} as const satisfies Record<(typeof NUMBERS)[number], string>;

const NAME_KINDS = NAMES.map((name) => NAME_COLUMNS[name]);
const COLUMNS = [
  "request_id",
  ...NUMBERS.map((name) => NUMBER_COLUMNS[name]),
  ...NAME_KINDS,
];

/** Numbers of rows in one statement. Few statements cost less, but each number of rows needs its own. */
const STATEMENT_ROWS = [100, 10, 1] as const;

const placeholders = (count: number) => `(${Array.from({ length: count }, () => "?").join(", ")})`;

// With plain INSERT, SQLite would copy each page first, so that it could undo the statement without the transaction.
const insertRows = (count: number) =>
  `INSERT OR ROLLBACK INTO request (${COLUMNS.join(", ")}) VALUES ${
    Array.from({ length: count }, () => placeholders(COLUMNS.length)).join(", ")
  }`;

const HOUR_KEYS = ["caller", "team", "model", "target", "tier", "tags"] as const;
/** Their positions in a set of names. */
const HOUR_KEYS_AT = HOUR_KEYS.map((key) => NAMES.indexOf(key));

const SUMS = [...Object.values(SUM_COLUMNS), "ms"];

const HOUR = `INSERT INTO usage_hour (hour, ${[...HOUR_KEYS, ...SUMS].join(", ")})
  VALUES ${placeholders(1 + HOUR_KEYS.length + SUMS.length)}
  ON CONFLICT DO UPDATE SET ${SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`;

/** The positions of numbers in a packed row. */
const AT = {
  atMs: NUMBERS.indexOf("atMs"),
  status: NUMBERS.indexOf("status"),
  ms: NUMBERS.indexOf("ms"),
  input: NUMBERS.indexOf("input"),
  output: NUMBERS.indexOf("output"),
  cacheRead: NUMBERS.indexOf("cacheRead"),
  cacheWrite: NUMBERS.indexOf("cacheWrite"),
  cacheWrite1h: NUMBERS.indexOf("cacheWrite1h"),
  reasoning: NUMBERS.indexOf("reasoning"),
  images: NUMBERS.indexOf("images"),
  costNano: NUMBERS.indexOf("costNano"),
  isEstimated: NUMBERS.indexOf("isEstimated"),
  names: NUMBERS.length,
} as const;

/** A statement for a number of rows, and the list of its values, which every use overwrites. */
interface Insert {
  readonly statement: StatementSync;
  readonly values: (number | string | null)[];
}

/** Writes within its caller's transaction. */
export class RowWriter {
  readonly #database: DatabaseSync;
  readonly #names: NameIds;
  /** By the number of rows. */
  readonly #inserts = new Map<number, Insert>();
  readonly #detail: StatementSync;
  readonly #hour: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#names = new NameIds(database);
    this.#detail = database.prepare("INSERT INTO request_detail (seq, json) VALUES (?, ?)");
    this.#hour = database.prepare(HOUR);
  }

  /** If this or a later write of the transaction throws, `forget` must follow. */
  write(rows: PackedRows): void {
    const numbers = new Float64Array(rows.numbers);
    const ids = rows.names.map((text, index) =>
      this.#names.idOf(NAME_KINDS[index % NAMES.length] ?? "", text)
    );
    const lastSeq = this.#insert(rows, numbers, ids);
    // Within a transaction nobody else writes, so the rows have consecutive numbers.
    for (const [index, detail] of rows.details) this.#detail.run(lastSeq - (rows.count - 1 - index), detail);
    this.#sumUp(rows, numbers, ids);
  }

  /** Called when the transaction was rolled back. */
  forget(): void {
    this.#names.forget();
  }

  /** Returns the number of the last row. */
  #insert({ count, requestIds }: PackedRows, numbers: Float64Array, ids: readonly number[]): number {
    const requests = requestIds.split(" ");
    let seq = 0;
    let from = 0;
    for (const size of STATEMENT_ROWS) {
      for (; count - from >= size; from += size) {
        const { statement, values } = this.#insertOf(size);
        let value = 0;
        for (let index = from; index < from + size; index++) {
          values[value++] = requests[index] ?? "";
          const start = index * ROW_NUMBERS;
          for (let at = start; at < start + NUMBERS.length; at++) {
            const number = numbers[at] ?? NaN;
            values[value++] = Number.isNaN(number) ? null : number;
          }
          const names = (numbers[start + NUMBERS.length] ?? 0) * NAMES.length;
          for (let at = names; at < names + NAMES.length; at++) values[value++] = ids[at] ?? null;
        }
        seq = Number(statement.run(...values).lastInsertRowid);
      }
    }
    return seq;
  }

  #insertOf(size: number): Insert {
    let insert = this.#inserts.get(size);
    if (insert === undefined) {
      const values: Insert["values"] = Array.from({ length: size * COLUMNS.length }, () => null);
      this.#inserts.set(size, insert = { statement: this.#database.prepare(insertRows(size)), values });
    }
    return insert;
  }

  #sumUp({ count, names }: PackedRows, numbers: Float64Array, ids: readonly number[]): void {
    const sets = names.length / NAMES.length;
    const hours = new Map<number, HourSums>();
    for (let row = 0; row < count; row++) {
      const number = (at: number) => numbers[row * ROW_NUMBERS + at] ?? NaN;
      const hour = Math.floor(number(AT.atMs) / HOUR_MS);
      const key = hour * sets + number(AT.names);
      let sums = hours.get(key);
      if (sums === undefined || !Number.isSafeInteger(sums.costNano + (number(AT.costNano) || 0))) {
        if (sums !== undefined) this.#addHour(sums, ids);
        hours.set(key, sums = new HourSums(hour, number(AT.names)));
      }
      sums.add(number);
    }
    for (const sums of hours.values()) this.#addHour(sums, ids);
  }

  #addHour({ hour, names, ...sums }: HourSums, ids: readonly number[]): void {
    const keys = HOUR_KEYS_AT.map((at) => ids[names * NAMES.length + at] ?? null);
    this.#hour.run(hour, ...keys, ...Object.values(sums));
  }
}

/** Sums over rows with the same hour and names. */
class HourSums implements Record<keyof UsageSums, number> {
  // In the order of `SUMS`.
  requests = 0;
  errors = 0;
  input = 0;
  output = 0;
  cacheRead = 0;
  cacheWrite = 0;
  cacheWrite1h = 0;
  reasoning = 0;
  images = 0;
  costNano = 0;
  unpriced = 0;
  estimated = 0;
  ms = 0;

  constructor(readonly hour: number, readonly names: number) {}

  add(number: (at: number) => number): void {
    const status = number(AT.status);
    const costNano = number(AT.costNano);
    this.requests++;
    if (status < 200 || status > 299) this.errors++;
    this.input += number(AT.input);
    this.output += number(AT.output);
    this.cacheRead += number(AT.cacheRead);
    this.cacheWrite += number(AT.cacheWrite);
    this.cacheWrite1h += number(AT.cacheWrite1h);
    this.reasoning += number(AT.reasoning);
    this.images += number(AT.images);
    if (Number.isNaN(costNano)) this.unpriced++;
    else this.costNano += costNano;
    this.estimated += number(AT.isEstimated);
    this.ms += number(AT.ms);
  }
}
