/** Single requests in the ledger: how they are found, whatever the size of the file, and what is known about each. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";

import { ledgerFile, openLedger } from "../../lib/ledger/file.ts";
import { MIGRATIONS } from "../../lib/ledger/migrations.ts";
import { parseUsageQuery } from "../../lib/ledger/period.ts";
import { queryRequests, queryUsage, type RequestsQuery } from "../../lib/ledger/queries.ts";
import { toRecord, toRow } from "../../lib/ledger/row.ts";
import { requestMembers } from "../../lib/ledger/views.ts";
import { LedgerWriter } from "../../lib/ledger/writer.ts";
import type { RequestRecord } from "../../lib/snapshot/record.ts";
import { batchOf } from "../suites/ledger_rows.ts";
import { record } from "../telemetry/record.ts";

const START_MS = Date.parse("2026-03-01T00:00:00Z");
const ALL: RequestsQuery = {
  fromMs: 0,
  toMs: 1e15,
  filter: {},
  cursor: undefined,
  order: "newest",
  limit: 10,
};

const FAILED: RequestRecord = record({
  requestId: "req_00000000000000000000000000000009",
  caller: "search",
  team: "web",
  status: 502,
  stream: true,
  attempts: [
    {
      target: "east",
      provider: "east",
      region: "us-east-1",
      modelId: "m",
      startMs: 3,
      error: "timeout",
      ms: 5000,
      upstreamRequestId: undefined,
    },
    {
      target: "west",
      provider: "west",
      region: "us-west-2",
      modelId: "m",
      startMs: 5003,
      error: "upstream_error",
      ms: 20,
      upstreamRequestId: "aws-1",
    },
  ],
  passedOver: [{ target: "south", because: "rests for 3 s" }],
  error: {
    kind: "upstream_error",
    reason: undefined,
    param: undefined,
    upstream: { status: 500, type: "InternalServerException", message: "try later" },
    cause: undefined,
  },
});

function ledger(...records: readonly RequestRecord[]) {
  const database = new DatabaseSync(":memory:");
  for (const sql of MIGRATIONS) database.exec(sql);
  const writer = new LedgerWriter(database);
  const rows = records.map((each) => toRow(each, each.startedAtMs + each.durationMs));
  writer.write(batchOf(...rows));
  return { database, writer };
}

/** The query plan of the last statement, without the lookups of names. */
function plansOf(database: DatabaseSync) {
  const prepare = database.prepare.bind(database);
  let last = "";
  database.prepare = (sql) => prepare(last = sql);
  return () =>
    prepare(`EXPLAIN QUERY PLAN ${last}`).all(...Array.from({ length: last.split("?").length - 1 }, () => 1))
      .map(({ detail }) => String(detail))
      .filter((detail) =>
        / request( |$)/.test(detail) || / usage_hour( |$)/.test(detail) || /B-TREE/.test(detail)
      );
}

const CURSOR = { atMs: START_MS, seq: 5 };
const QUERIES: readonly (readonly [name: string, query: Partial<RequestsQuery>, index: string])[] = [
  ["the newest", {}, "request_at"],
  ["the next page", { cursor: CURSOR }, "request_at"],
  ["the oldest", { order: "oldest" }, "request_at"],
  ["the next page of the oldest", { order: "oldest", cursor: CURSOR }, "request_at"],
  ["those of a caller", { filter: { caller: "search" } }, "request_caller"],
  ["the next of a caller", { filter: { caller: "search" }, cursor: CURSOR }, "request_caller"],
  ["those with an error", { filter: { error: "timeout" } }, "request_error"],
];

for (const [name, query, index] of QUERIES) {
  Deno.test(`a page reads no more rows than it shows: ${name}`, () => {
    const { database } = ledger(FAILED);
    const plan = plansOf(database);
    queryRequests(database, { ...ALL, ...query });
    const [search = "", ...more] = plan();
    ok(search.startsWith(`SEARCH request USING INDEX ${index} (`) && search.includes("at_ms<?"), search);
    // Sorting would have to read every row of the period first.
    deepEqual(more, []);
  });
}

Deno.test("a request is found by its id through an index, among others with the same prefix", () => {
  const alike = record({ requestId: "req_000000000000000000000000000000ff" });
  const { database } = ledger(alike, FAILED);
  const plan = plansOf(database);
  const found = queryRequests(database, { ...ALL, filter: { request_id: FAILED.requestId } });
  deepEqual(found.map(({ requestId }) => requestId), [FAILED.requestId]);
  ok(plan()[0]?.startsWith("SEARCH request USING INDEX request_id ("));
});

Deno.test("usage only reads the hours of its period, however many requests they had", () => {
  const { database } = ledger(FAILED);
  const plan = plansOf(database);
  const parameters: Record<string, string> = { group_by: "caller,day", from: "2026-03-01" };
  queryUsage(database, parseUsageQuery((name) => parameters[name], START_MS + 30 * 86_400_000));
  ok(plan()[0]?.startsWith("SEARCH usage_hour USING PRIMARY KEY (hour>? AND hour<?)"), plan()[0]);
});

Deno.test("pages by time neither repeat nor miss a row, even with equal or unordered times", () => {
  const times = [5, 3, 3, 3, 4, 1, 5];
  const records = times.map((at, index) =>
    record({ requestId: `req_${index}`, startedAtMs: START_MS + at, durationMs: 0 })
  );
  const { database } = ledger(...records);
  const seen = { newest: [] as string[], oldest: [] as string[] };
  for (const order of ["newest", "oldest"] as const) {
    let cursor: RequestsQuery["cursor"];
    for (;;) {
      const page = queryRequests(database, { ...ALL, order, cursor, limit: 2 });
      seen[order].push(...page.map(({ requestId }) => requestId));
      if (page.length < 2) break;
      cursor = page.at(-1);
    }
  }
  deepEqual(seen.newest, ["req_6", "req_0", "req_4", "req_3", "req_2", "req_1", "req_5"]);
  deepEqual(seen.oldest, seen.newest.toReversed());
});

Deno.test("requests can be filtered by any error or a certain one", () => {
  const limited = record({
    requestId: "req_1",
    error: {
      kind: "limit_requests",
      reason: "wait",
      param: undefined,
      upstream: undefined,
      cause: undefined,
    },
  });
  const throttled = record({
    requestId: "req_2",
    startedAtMs: FAILED.startedAtMs - 5,
    error: {
      kind: "rate_limited",
      reason: undefined,
      param: undefined,
      upstream: undefined,
      cause: undefined,
    },
  });
  const { database } = ledger(record(), throttled, limited, FAILED);
  const idsOf = (error: string) =>
    queryRequests(database, { ...ALL, filter: { error } }).map(({ requestId }) => requestId);
  deepEqual(idsOf("*").toSorted(), [FAILED.requestId, "req_1", "req_2"].toSorted());
  // Several kinds of errors share the code that callers get.
  deepEqual(idsOf("rate_limit_exceeded"), ["req_1", "req_2"]);
  deepEqual(
    queryRequests(database, { ...ALL, order: "oldest", limit: 1, filter: { error: "rate_limit_exceeded" } })
      .map(requestMembers).map(({ request_id, error }) => [request_id, error]),
    [["req_2", "rate_limit_exceeded"]],
  );
  deepEqual(idsOf("upstream_error"), [FAILED.requestId]);
  deepEqual(idsOf("timeout"), []);
});

Deno.test("the error and attempts of a request are kept as long as its row", () => {
  const { database, writer } = ledger(record(), FAILED);
  const [stored] = queryRequests(database, { ...ALL, filter: { request_id: FAILED.requestId } });
  ok(stored !== undefined);
  const { attempts, passedOver, error, status, caller, stream, startedAtMs } = toRecord(stored);
  deepEqual(
    { attempts, passedOver, error, status, caller, stream, startedAtMs },
    JSON.parse(JSON.stringify({
      attempts: FAILED.attempts,
      passedOver: FAILED.passedOver,
      error: FAILED.error,
      status: 502,
      caller: "search",
      stream: true,
      startedAtMs: FAILED.startedAtMs,
    })),
  );
  const details = () => database.prepare("SELECT count(*) AS n FROM request_detail").get()?.["n"];
  equal(details(), 1, "one that was answered at once needs none");
  writer.prune({ requestDays: 1, hourDays: 1, maxBytes: 1e9 }, FAILED.startedAtMs + 5 * 86_400_000);
  equal(details(), 0);
});

Deno.test("a file of an earlier version is upgraded, and a copy is kept", async () => {
  const folder = await Deno.makeTempDir({ prefix: "adit-tables-" });
  try {
    const first = new DatabaseSync(ledgerFile(folder));
    first.exec(MIGRATIONS[0] ?? "");
    first.exec("PRAGMA user_version = 1");
    first.exec("INSERT INTO name (kind, text) VALUES ('caller', 'search'), ('error', 'timeout')");
    const columns =
      "at_ms, request_id, caller, error, team, model, target, model_id, region, api, status, attempts, ms, " +
      "input, output, cache_read, cache_write, cache_write_1h, reasoning, images, tier, price, estimated, tags";
    first.exec(
      `INSERT INTO request (${columns}) VALUES (5, '${FAILED.requestId}', 1, 2${", 0".repeat(20)})`,
    );
    first.close();
    const { database, copy, close } = openLedger(folder);
    equal(copy, `${ledgerFile(folder)}.tables-1`);
    const [stored] = queryRequests(database, {
      ...ALL,
      filter: { request_id: FAILED.requestId, error: "*" },
    });
    deepEqual([stored?.caller, stored?.error, stored?.detail], ["search", "timeout", ""]);
    close();
    const again = openLedger(folder);
    equal(again.copy, undefined);
    again.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a row of an earlier version has no details", () => {
  const { costNano, ...row } = toRow(FAILED, FAILED.startedAtMs);
  const { error, attempts, cost } = toRecord({ ...row, detail: "", costNano });
  deepEqual([error?.kind, error?.reason, attempts, cost], ["upstream_error", undefined, [], {
    nano: 0,
    price: undefined,
  }]);
  equal(toRecord({ ...row, detail: "", error: "invented_later", costNano }).error?.kind, "internal");
});
