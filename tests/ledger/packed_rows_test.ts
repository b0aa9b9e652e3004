/** Rows that are packed for the ledger's thread, and how the thread writes them. */

import assert from "node:assert/strict";
import { queryRequests, queryUsage, type UsageSums } from "../../lib/ledger/queries.ts";
import { NAMES, type PackedRows, RowQueue } from "../../lib/ledger/packed_rows.ts";
import type { LedgerRow } from "../../lib/ledger/row.ts";
import { batchOf, LEDGER_ROW as ROW, ledgerWith, packed, unpacked } from "../suites/ledger_rows.ts";

const HOUR_MS = 3_600_000;

/** Rows that differ in every member that can differ, several of them with the same names. */
const MIXED: readonly LedgerRow[] = Array.from({ length: 2_345 }, (_, index) => ({
  atMs: ROW.atMs + (index % 3) * HOUR_MS + index,
  requestId: `req_${index}`,
  caller: ["search", "", "größe\nline"][index % 3] ?? "",
  team: ["web", "red"][index % 2] ?? "",
  model: `model-${index % 4}`,
  target: `target-${index % 5}`,
  modelId: `id-${index % 7}`,
  region: ["us-east-1", "eu-west-1"][index % 2] ?? "",
  api: ["openai", "anthropic"][index % 2] ?? "",
  status: [200, 429, 299, 199][index % 4] ?? 0,
  error: ["", "timeout"][index % 2] ?? "",
  attempts: index % 3,
  ms: index,
  firstMs: index % 6 === 0 ? null : index % 6,
  input: index % 11,
  output: index % 13,
  cacheRead: index % 17,
  cacheWrite: index % 19,
  cacheWrite1h: index % 23,
  reasoning: index % 29,
  images: index % 2,
  tier: ["", "flex"][index % 2] ?? "",
  costNano: index % 31 === 0 ? null : index * 1_000_003,
  price: `price-${index % 3}`,
  isEstimated: index % 37 === 0,
  tags: index % 2 === 0 ? "" : '{"a":"1"}',
  detail: index % 41 === 0 ? `{"path":"/${index}"}` : "",
}));

Deno.test("packed rows unpack to the same rows, even after a copy to another thread", () => {
  assert.deepEqual(unpacked(structuredClone(packed(...MIXED))), MIXED);
});

Deno.test("sets of names that differ in one member are kept apart", () => {
  const rows = NAMES.map((name) => ({ ...ROW, [name]: "other" }));
  const { names, count } = packed(ROW, ...rows, ROW, ...rows);
  assert.deepEqual([names.length, count], [12 * NAMES.length, 24]);
  assert.deepEqual(unpacked(packed(ROW, ...rows, ROW, ...rows)), [ROW, ...rows, ROW, ...rows]);
});

Deno.test("every row of a batch is found again, with its detail, in the order of the batch", () => {
  const { database } = ledgerWith(...MIXED);
  const pages = [0, 1, 2].map((hour) =>
    queryRequests(database, {
      ...{ fromMs: ROW.atMs + hour * HOUR_MS, toMs: ROW.atMs + (hour + 1) * HOUR_MS },
      ...{ filter: {}, cursor: undefined, order: "oldest", limit: 10_000 },
    })
  );
  const stored = pages.flat().sort((one, other) => one.seq - other.seq);
  assert.deepEqual(stored.map(({ seq }) => seq), MIXED.map((_, index) => index + 1));
  assert.deepEqual(
    stored.map(({ seq: _seq, costNano, ...row }) => ({
      ...row,
      costNano: costNano === null ? null : Number(costNano),
    })),
    MIXED.map(({ costNano, ...row }) => ({ ...row, costNano })),
  );
});

/** The sums of rows, computed in the simplest way. */
function sumsOf(rows: readonly LedgerRow[]): UsageSums {
  const sum = (value: (row: LedgerRow) => number) =>
    rows.reduce((total, row) => total + BigInt(value(row)), 0n);
  return {
    requests: BigInt(rows.length),
    errors: sum(({ status }) => status < 200 || status > 299 ? 1 : 0),
    input: sum(({ input }) => input),
    output: sum(({ output }) => output),
    cacheRead: sum(({ cacheRead }) => cacheRead),
    cacheWrite: sum(({ cacheWrite }) => cacheWrite),
    cacheWrite1h: sum(({ cacheWrite1h }) => cacheWrite1h),
    reasoning: sum(({ reasoning }) => reasoning),
    images: sum(({ images }) => images),
    costNano: sum(({ costNano }) => costNano ?? 0),
    unpriced: sum(({ costNano }) => costNano === null ? 1 : 0),
    estimated: sum(({ isEstimated }) => isEstimated ? 1 : 0),
  };
}

Deno.test("hourly sums equal those of single rows, for one batch and several, by every name and in total", () => {
  const whole = ledgerWith(...MIXED).database;
  const { database: parts, writer } = ledgerWith(...MIXED.slice(0, 700));
  writer.write(batchOf(...MIXED.slice(700, 701)));
  writer.write(batchOf(...MIXED.slice(701)));
  const query = { fromMs: 0, toMs: ROW.atMs + 100 * HOUR_MS, timeZone: "UTC", filter: {} };
  for (const database of [whole, parts]) {
    for (const group of ["caller", "team", "model", "target", "tier", "tags", "hour"] as const) {
      const { rows, total } = queryUsage(database, { ...query, groupBy: [group] });
      assert.deepEqual(total, sumsOf(MIXED));
      const valueOf = (row: LedgerRow) =>
        group === "hour" ? new Date(row.atMs - row.atMs % HOUR_MS).toISOString() : row[group];
      for (const { keys, sums } of rows) {
        assert.deepEqual(
          sums,
          sumsOf(MIXED.filter((row) => valueOf(row) === keys[group])),
          `${group} ${keys[group]}`,
        );
      }
      assert.equal(rows.length, new Set(MIXED.map(valueOf)).size);
    }
    const ms = database.prepare("SELECT SUM(ms) AS ms FROM usage_hour").get()?.["ms"];
    assert.equal(ms, MIXED.reduce((total, row) => total + row.ms, 0));
  }
});

Deno.test("a batch touches the sums of an hour once, however many rows it has", () => {
  const { database, writer } = ledgerWith();
  database.exec(`
    CREATE TEMP TABLE touched (requests INTEGER);
    CREATE TEMP TRIGGER added AFTER INSERT ON main.usage_hour BEGIN INSERT INTO touched VALUES (new.requests); END;
    CREATE TEMP TRIGGER changed AFTER UPDATE ON main.usage_hour BEGIN INSERT INTO touched VALUES (new.requests); END;
  `);
  const hour = Array.from({ length: 250 }, (_, index) => ({ requestId: `req_${index}`, ms: index }));
  writer.write(batchOf(...hour, ...hour.map((row) => ({ ...row, atMs: ROW.atMs + HOUR_MS })), ...hour));
  writer.write(batchOf(...hour));
  const touched = database.prepare("SELECT requests FROM touched ORDER BY rowid").all();
  assert.deepEqual(touched.map(({ requests }) => requests), [500, 250, 750]);
});

Deno.test("a failed batch is written completely by the next attempt, including its names", () => {
  const { database, writer } = ledgerWith({ caller: "first" });
  database.exec(
    "CREATE TEMP TRIGGER full BEFORE INSERT ON main.usage_hour BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
  );
  assert.throws(() => writer.write(batchOf(...MIXED)), /disk is full/);
  const count = (table: string) => database.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get()?.["n"];
  assert.deepEqual([count("request"), count("request_detail"), count("usage_hour")], [1, 0, 1]);
  assert.equal(database.prepare("SELECT COUNT(*) AS n FROM name WHERE text = 'model-3'").get()?.["n"], 0);
  database.exec("DROP TRIGGER full");
  writer.write(batchOf(...MIXED));
  const { rows } = queryUsage(database, {
    ...{ fromMs: 0, toMs: ROW.atMs + 100 * HOUR_MS, timeZone: "UTC", filter: {}, groupBy: ["model"] },
  });
  assert.deepEqual(rows.map(({ keys, sums }) => [keys.model, sums.requests]), [
    ["haiku", 1n],
    ...["model-0", "model-1", "model-2", "model-3"].map((model) => [
      model,
      BigInt(MIXED.filter((row) => row.model === model).length),
    ]),
  ]);
});

Deno.test("the memory of written rows is reused, and that of rows being written is not", () => {
  const queue = new RowQueue(2);
  const add = (...ids: readonly string[]) => ids.forEach((requestId) => queue.add({ ...ROW, requestId }));
  const idsOf = (rows: PackedRows) => unpacked(rows).map(({ requestId }) => requestId);
  add("req_1", "req_2");
  const first = queue.take();
  add("req_3", "req_4", "req_5");
  assert.deepEqual(idsOf(first), ["req_1", "req_2"]);
  const second = queue.take();
  queue.reuse(first);
  add("req_6", "req_7");
  const third = queue.take();
  assert.deepEqual([second, third].map(idsOf), [["req_3", "req_4"], ["req_5", "req_6"]]);
  const fourth = queue.take();
  assert.equal(fourth.numbers, first.numbers);
  assert.deepEqual(idsOf(fourth), ["req_7"]);
});
