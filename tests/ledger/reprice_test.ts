/** What repricing changes in the ledger's file, and what it leaves. */

import assert from "node:assert/strict";
import { costOf } from "../../lib/facts/cost.ts";
import { compilePrices, type WrittenPrice } from "../../lib/facts/price_table.ts";
import { correctLedger, LedgerError, ledgerFile, openLedger, readLedger } from "../../lib/ledger/file.ts";
import { queryRequests, queryUsage } from "../../lib/ledger/queries.ts";
import { queryKeptHours, type RepriceOptions, Repricing, targetKey } from "../../lib/ledger/reprice.ts";
import { type LedgerRow, usageOf } from "../../lib/ledger/row.ts";
import { LedgerWriter } from "../../lib/ledger/writer.ts";
import { batchOf, LEDGER_ROW } from "../suites/ledger_rows.ts";
import { DatabaseSync } from "node:sqlite";

const HOUR = 3_600_000;
const EVER = { fromMs: 0, toMs: Date.parse("2027-01-01T00:00:00Z"), filter: {} };
const WHOLE = { ...EVER, groupBy: [], timeZone: "UTC" };

const PRICES: readonly WrittenPrice[] = [
  {
    match: "m",
    usd_per_million: { input: "1", output: "2", cache_read: "0.1", cache_write: "1.25", cache_write_1h: "2" },
    tiers: { flex: "x0.5" },
    usd_per_unit: { image: "0.04" },
  },
  { match: "finder", usd_per_million: { input: "0" }, usd_per_unit: { query: "0.001" } },
  { match: "half", usd_per_million: { input: "1" } },
];
const [PRICE] = compilePrices(PRICES, "prices_file");
assert.ok(PRICE);

/** 1 + 2x2 + 3x0.1 + 3x1.25 + 2 microdollars, in nanodollars. */
const COST = 11_050;

type Row = Partial<LedgerRow>;

/** Uses a ledger's file with these rows, on a second connection next to the writer's. */
async function withLedger(
  rows: readonly Row[],
  use: (database: DatabaseSync, writer: LedgerWriter, folder: string) => void,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "adit-reprice-" });
  const ledger = openLedger(folder);
  try {
    const writer = new LedgerWriter(ledger.database);
    writer.write(batchOf(...rows));
    const database = correctLedger(folder);
    try {
      use(database, writer, folder);
    } finally {
      database.close();
    }
  } finally {
    ledger.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function reprice(database: DatabaseSync, more: Partial<RepriceOptions> = {}) {
  const repricing = new Repricing({
    database,
    query: EVER,
    prices: { rows: compilePrices(PRICES, "prices_file"), assume: undefined },
    baseModels: new Map(),
    isDryRun: false,
    ...more,
  });
  let steps = 1;
  while (repricing.step()) steps++;
  return { ...repricing.result(), steps };
}

function costs(database: DatabaseSync) {
  const all = { ...EVER, cursor: undefined, order: "oldest", limit: 1000 } as const;
  return queryRequests(database, all).map(({ costNano, price }) => [costNano, price]);
}

/** Asserts that the sums by the hour equal those of the single requests. */
function assertAgreement(database: DatabaseSync): void {
  const { costNano, unpriced } = queryUsage(database, WHOLE).total;
  const rows = costs(database);
  assert.equal(costNano, rows.reduce((all, [cost]) => all + BigInt(cost ?? 0n), 0n));
  assert.equal(unpriced, BigInt(rows.filter(([cost]) => cost === null).length));
}

Deno.test("repricing changes requests and hours together, and a second run changes nothing", () =>
  withLedger([
    {},
    { costNano: null, price: "", model: "sonnet" },
    { tier: "flex", atMs: LEDGER_ROW.atMs + HOUR },
    { images: 2, caller: "other" },
    { costNano: 0, price: "", modelId: "m" },
  ], (database) => {
    const first = reprice(database);
    assert.deepEqual(costs(database), [
      [BigInt(COST), "file m"],
      [BigInt(COST), "file m"],
      [BigInt(COST + 2 * 40_000_000), "file m"],
      [0n, ""],
      [BigInt(COST / 2), "file m"],
    ]);
    assert.equal(first.requests, 5);
    assert.equal(first.unpriced, 0);
    assert.deepEqual(first.total, { changed: 4, before: 30n, after: 80_038_675n });
    assert.deepEqual([...first.models], [
      ["haiku", { changed: 3, before: 30n, after: 80_027_625n }],
      ["sonnet", { changed: 1, before: 0n, after: 11_050n }],
    ]);
    assertAgreement(database);
    const second = reprice(database);
    assert.deepEqual(second.total, { changed: 0, before: first.total.after, after: first.total.after });
    assert.equal(second.models.size, 0);
  }));

Deno.test("a row is repriced to the cost that the gateway computes for its usage", () =>
  withLedger([{ costNano: null, tier: "flex", images: 1, input: 12_345, cacheWrite1h: 4 }], (database) => {
    const [row] = queryRequests(database, { ...EVER, cursor: undefined, order: "oldest", limit: 1 });
    assert.ok(row);
    reprice(database);
    const expected = costOf(usageOf(row), PRICE, "flex");
    assert.ok(expected !== undefined && expected > 40_000_000);
    assert.deepEqual(costs(database), [[BigInt(expected), PRICE.id]]);
  }));

Deno.test("the units of guardrails are repriced with and without a model", () => {
  const detail = JSON.stringify({ guardrail: { content_policy: 2 } });
  return withLedger([
    { costNano: null, detail },
    {
      modelId: "",
      price: "",
      costNano: null,
      input: 0,
      output: 0,
      cacheRead: 0,
      cacheWrite: 0,
      cacheWrite1h: 0,
      detail,
    },
  ], (database) => {
    reprice(database);
    assert.deepEqual(costs(database), [
      [BigInt(COST + 300_000), "file m"],
      [300_000n, "built-in guardrails"],
    ]);
    assertAgreement(database);
  });
});

Deno.test("requests that cannot be recomputed are left and counted by reason", () =>
  withLedger([
    { modelId: "nobody", costNano: null, price: "" },
    { modelId: "half", costNano: null, price: "file half" },
    { modelId: "nobody" },
    { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, costNano: null, price: "" },
    { modelId: "finder" },
    { modelId: "cohere.rerank-v9:0" },
    { modelId: "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/gone" },
    { modelId: `${"x".repeat(255)}…` },
  ], (database) => {
    const before = costs(database);
    const { total, unpriced, left } = reprice(database);
    assert.equal(total.changed, 0);
    assert.equal(unpriced, 3);
    assert.deepEqual(left, {
      unknown_price: 2,
      price_gone: 1,
      unreported_usage: 1,
      searches_not_kept: 2,
      unknown_model: 2,
    });
    assert.deepEqual(costs(database), before);
    assertAgreement(database);
  }));

Deno.test("a configured ARN has the price of its model, and an assumed price only if that has none", () => {
  const arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/team";
  return withLedger(
    [{ modelId: arn }, { modelId: "nobody" }, { modelId: arn, target: "west" }],
    (database) => {
      const { left, total } = reprice(database, {
        prices: { rows: compilePrices(PRICES, "prices_file"), assume: "half" },
        baseModels: new Map([[targetKey("east", arn), "m"]]),
      });
      assert.equal(total.changed, 1);
      assert.deepEqual(costs(database), [[BigInt(COST), "file m"], [10n, "p"], [10n, "p"]]);
      // The assumed price has no part for cache writes.
      assert.deepEqual([left.price_gone, left.unknown_model], [1, 1]);
    },
  );
});

Deno.test("a price with a date applies to requests from that day on", () =>
  withLedger([{}, { atMs: Date.parse("2026-03-29T00:00:00Z") }], (database) => {
    const dated = PRICES.slice(0, 1).flatMap((row) => [
      row,
      { ...row, from: "2026-03-29", usd_per_million: { ...row.usd_per_million, input: "2" } },
    ]);
    reprice(database, { prices: { rows: compilePrices(dated, "prices_file"), assume: undefined } });
    assert.deepEqual(costs(database), [
      [BigInt(COST), "file m"],
      [BigInt(COST + 1000), "file m (2026-03-29)"],
    ]);
    assertAgreement(database);
  }));

Deno.test("only the requested period and names are repriced", () =>
  withLedger([{ team: "a" }, { team: "b" }, { team: "a", atMs: LEDGER_ROW.atMs + 24 * HOUR }], (database) => {
    const query = { fromMs: 0, toMs: LEDGER_ROW.atMs + HOUR, filter: { team: "a" } };
    assert.equal(reprice(database, { query }).requests, 1);
    assert.deepEqual(costs(database).map(([cost]) => cost), [BigInt(COST), 10n, 10n]);
    assertAgreement(database);
  }));

Deno.test("many requests are repriced in steps, between which the gateway writes", () =>
  withLedger(Array.from({ length: 1100 }, () => ({})), (database, writer) => {
    const repricing = new Repricing({
      ...{ database, query: EVER, baseModels: new Map(), isDryRun: false },
      prices: { rows: compilePrices(PRICES, "prices_file"), assume: undefined },
    });
    assert.equal(repricing.step(), true);
    assertAgreementOfMany(database, 500);
    writer.write(batchOf({ caller: "new", price: "new price" }));
    while (repricing.step());
    assert.equal(repricing.result().total.changed, 1101);
    assertAgreementOfMany(database, 1101);
  }));

function assertAgreementOfMany(database: DatabaseSync, repriced: number): void {
  const { requests, costNano } = queryUsage(database, WHOLE).total;
  const expected = BigInt(repriced) * BigInt(COST) + (requests - BigInt(repriced)) * 10n;
  assert.equal(costNano, expected);
  assert.equal(
    database.prepare("SELECT SUM(cost_nano) AS cost FROM request").get()?.["cost"],
    Number(expected),
  );
}

Deno.test("hourly sums stay right if a request changes or is removed while it is repriced", () =>
  withLedger([{}, { requestId: "removed" }, { requestId: "changed" }], (database, writer, folder) => {
    class Interfering extends Map<string, string> {
      #done = false;
      override get(key: string) {
        if (!this.#done) {
          this.#done = true;
          const other = correctLedger(folder);
          other.exec("DELETE FROM request WHERE request_id = 'removed'");
          other.exec("UPDATE request SET cost_nano = 77 WHERE request_id = 'changed'");
          other.exec("UPDATE usage_hour SET cost_nano = cost_nano + 67");
          other.close();
        }
        return super.get(key);
      }
    }
    assert.equal(reprice(database, { baseModels: new Interfering() }).total.changed, 1);
    assert.deepEqual(costs(database).map(([cost]) => cost), [BigInt(COST), 77n]);
    // The removed request is still part of its hour.
    assert.equal(queryUsage(database, WHOLE).total.costNano, BigInt(COST + 77 + 10));
    writer.write(batchOf({}));
  }));

Deno.test("a step that fails changes neither requests nor hours", () =>
  withLedger([{}, { caller: "other" }], (database) => {
    database.exec(
      "CREATE TEMP TRIGGER fail BEFORE UPDATE ON main.usage_hour WHEN old.caller <> " +
        "(SELECT id FROM name WHERE kind = 'caller' AND text = 'search') BEGIN SELECT RAISE(ABORT, 'no room'); END",
    );
    assert.throws(() => reprice(database), /no room/);
    assert.deepEqual(costs(database), [[10n, "p"], [10n, "p"]]);
    assertAgreement(database);
  }));

Deno.test("a dry run reports the same and changes nothing, on a read-only connection", () =>
  withLedger([{}], (database, _writer, folder) => {
    const reader = readLedger(folder);
    const { total } = reprice(reader, { isDryRun: true });
    reader.close();
    assert.deepEqual(total, { changed: 1, before: 10n, after: BigInt(COST) });
    assert.deepEqual(costs(database), [[10n, "p"]]);
    assert.deepEqual(reprice(database).total, total);
  }));

Deno.test("hours whose requests were removed are counted, in whole or in part", () =>
  withLedger([
    { requestId: "old" },
    { atMs: LEDGER_ROW.atMs + HOUR, requestId: "old" },
    { atMs: LEDGER_ROW.atMs + HOUR },
    { atMs: LEDGER_ROW.atMs + 2 * HOUR },
    { atMs: LEDGER_ROW.atMs + HOUR, caller: "other", requestId: "old" },
  ], (database) => {
    assert.deepEqual(queryKeptHours(database, { query: EVER }), { hours: 0, requests: 0 });
    database.exec("DELETE FROM request WHERE request_id = 'old'");
    assert.deepEqual(queryKeptHours(database, { query: EVER }), { hours: 2, requests: 3 });
    const query = { ...EVER, filter: { caller: "other" } };
    assert.deepEqual(queryKeptHours(database, { query }), { hours: 1, requests: 1 });
    assert.equal(reprice(database).total.changed, 2);
    assert.equal(queryUsage(database, WHOLE).total.costNano, BigInt(2 * COST + 30));
  }));

Deno.test("an hour is found by its key", () =>
  withLedger([], (database) => {
    const [step] = database.prepare(
      `EXPLAIN QUERY PLAN UPDATE usage_hour SET unpriced = 0 WHERE (hour, caller, team, model, target, tier, tags) =
       (SELECT at_ms / 3600000, caller, team, model, target, tier, tags FROM request WHERE seq = 1)`,
    ).all();
    assert.match(String(step?.["detail"]), /SEARCH usage_hour USING PRIMARY KEY/);
  }));

Deno.test("a ledger that is missing or was written by another version is not corrected", async () => {
  const folder = await Deno.makeTempDir({ prefix: "adit-reprice-" });
  const refused = (message: RegExp) =>
    assert.throws(
      () => correctLedger(folder),
      (error) => error instanceof LedgerError && message.test(error.message),
    );
  try {
    refused(/^Cannot correct the ledger .*ledger\.db: no such file$/);
    openLedger(folder).close();
    for (
      const [version, message] of [
        [1, /: it was written by an older version of Adit; start the gateway once to upgrade it$/],
        [99, /: it was written by a later version of Adit/],
      ] as const
    ) {
      const database = new DatabaseSync(ledgerFile(folder));
      database.exec(`PRAGMA user_version = ${version}`);
      database.close();
      refused(message);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
