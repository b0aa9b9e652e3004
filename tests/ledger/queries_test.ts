/** Writing to the ledger's tables, and reading from them. */

import assert from "node:assert/strict";
import { parseUsageQuery } from "../../lib/ledger/period.ts";
import { AditError } from "../../lib/base/errors.ts";
import { queryLastEvent, queryRequests, queryUsage, type RequestCursor } from "../../lib/ledger/queries.ts";
import { BUDGET_DEFINITIONS } from "../../lib/ledger/used.ts";
import { csvLines, requestMembers, usageRows } from "../../lib/ledger/views.ts";
import { batchOf, LEDGER_ROW as ROW, ledgerWith as ledger } from "../suites/ledger_rows.ts";

const HOUR = 3_600_000;

const query = (parameters: Record<string, string>) =>
  parseUsageQuery((name) => parameters[name], Date.parse("2026-04-10T00:00:00Z"));

Deno.test("days begin by the time zone, even when daylight saving time begins", () => {
  // In Berlin, 29 March 2026 has 23 hours: from 23:00 UTC to 22:00 UTC.
  const { database } = ledger(
    { atMs: Date.parse("2026-03-28T22:59:00Z") },
    { atMs: Date.parse("2026-03-28T23:00:00Z") },
    { atMs: Date.parse("2026-03-29T21:59:00Z") },
    { atMs: Date.parse("2026-03-29T22:00:00Z") },
  );
  const result = queryUsage(database, query({ group_by: "day", tz: "Europe/Berlin", from: "2026-03-01" }));
  assert.deepEqual(result.rows.map(({ keys, sums }) => [keys.day, sums.requests]), [
    ["2026-03-28", 1n],
    ["2026-03-29", 2n],
    ["2026-03-30", 1n],
  ]);
  assert.equal(result.total.requests, 4n);
});

Deno.test("requests with an unknown price are counted but not added, and large sums are exact", () => {
  const { database } = ledger(
    { costNano: 9_007_199_254_740_991 },
    { costNano: 9_007_199_254_740_991 },
    { costNano: null, status: 500 },
  );
  const { total } = queryUsage(database, query({}));
  assert.deepEqual(
    [total.costNano, total.unpriced, total.requests, total.errors],
    [18_014_398_509_481_982n, 1n, 3n, 1n],
  );
});

Deno.test("filters compare whole names, and SQL in a name has no effect", () => {
  const evil = `x' OR '1'='1`;
  const { database } = ledger({ caller: evil }, { caller: "search" });
  assert.equal(queryUsage(database, query({ "filter.caller": evil })).total.requests, 1n);
  assert.equal(queryUsage(database, query({ "filter.caller": "x" })).total.requests, 0n);
});

Deno.test("pages of requests cover every row once, in either order", () => {
  const { database } = ledger(...Array.from({ length: 7 }, (_, index) => ({ requestId: `r${index}` })));
  const all = { fromMs: 0, toMs: 1e15, filter: {}, limit: 3 };
  const seen: string[] = [];
  let cursor: RequestCursor | undefined;
  for (;;) {
    const page = queryRequests(database, { ...all, cursor, order: "newest" });
    seen.push(...page.map(({ requestId }) => requestId));
    cursor = page.at(-1);
    if (page.length < 3) break;
  }
  assert.deepEqual(seen, ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]);
  const oldest = queryRequests(database, { ...all, cursor: undefined, order: "oldest" });
  assert.deepEqual(oldest.map(({ requestId }) => requestId), ["r0", "r1", "r2"]);
});

Deno.test("a batch that fails is not written partially", () => {
  const { database, writer } = ledger();
  const broken = { ms: 1.5 };
  assert.throws(() => writer.write(batchOf({}, broken)));
  assert.equal(queryUsage(database, query({})).total.requests, 0n);
  writer.write(batchOf({}));
  assert.deepEqual(
    usageRows(queryUsage(database, query({ group_by: "caller,team" })))[0]?.["caller"],
    "search",
  );
});

Deno.test("old rows are removed in steps, and sums are kept longer", () => {
  const { database, writer } = ledger(...Array.from({ length: 700 }, () => ({})));
  writer.write(batchOf({ atMs: ROW.atMs + 40 * 24 * HOUR }));
  const nowMs = ROW.atMs + 41 * 24 * HOUR;
  const kept = { requestDays: 30, hourDays: 400, maxBytes: 1e9 };
  assert.equal(writer.prune(kept, nowMs), true);
  assert.equal(writer.prune(kept, nowMs), false);
  assert.equal(database.prepare("SELECT count(*) AS n FROM request").get()?.["n"], 1);
  assert.equal(queryUsage(database, query({ from: "2026-01-01", to: "2027-01-01" })).total.requests, 701n);
  // Beyond the maximum size, the oldest are removed first.
  assert.equal(writer.prune({ ...kept, maxBytes: 1 }, nowMs), false);
  assert.equal(database.prepare("SELECT count(*) AS n FROM request").get()?.["n"], 0);
});

Deno.test("old rows are removed faster than any load adds rows", () => {
  const { database, writer } = ledger();
  const count = () => database.prepare("SELECT count(*) AS n FROM request").get()?.["n"];
  const nowMs = ROW.atMs + 41 * 24 * HOUR;
  writer.write(batchOf(...Array.from({ length: 1_000 }, () => ({}))));
  for (let batch = 0; batch < 2; batch++) {
    writer.write(batchOf(...Array.from({ length: 2_000 }, () => ({ atMs: nowMs }))));
    writer.prune({ requestDays: 400, hourDays: 400, maxBytes: 1 }, nowMs);
  }
  assert.equal(count(), 0);
});

Deno.test("only the latest definitions of budgets are kept", () => {
  const { database, writer } = ledger();
  const event = (kind: string, json: string) => ({ atMs: ROW.atMs, kind, subject: "", json });
  writer.write({ ...batchOf(), events: [event(BUDGET_DEFINITIONS, "1"), event("budget adjusted", "2")] });
  writer.write({ ...batchOf(), events: [event(BUDGET_DEFINITIONS, "3")] });
  assert.equal(queryLastEvent(database, BUDGET_DEFINITIONS), "3");
  assert.deepEqual(
    database.prepare("SELECT json FROM event ORDER BY id").all().map(({ json }) => json),
    ["2", "3"],
  );
});

Deno.test("a period cannot end at the earliest possible time", () => {
  assert.throws(
    () => query({ to: "-271821-04-20T00:00:00Z" }),
    (error) => error instanceof AditError && error.message === "from: expected a time before to",
  );
});

Deno.test("CSV quotes fields that a spreadsheet would misread", () => {
  const [request] = queryRequests(ledger({ caller: '=1+"2"', model: "a,b" }).database, {
    fromMs: 0,
    toMs: 1e15,
    filter: {},
    cursor: undefined,
    order: "newest",
    limit: 1,
  });
  assert.ok(request !== undefined);
  const text = csvLines([requestMembers(request)], { withHeader: false });
  assert.match(text, /,"'=1\+""2""",web,"a,b",/);
});

for (
  const [parameters, message] of [
    [{ tz: "Mars/Base" }, /tz: unknown time zone "Mars\/Base"/],
    [{ group_by: "caller,moon" }, /group_by: unknown group "moon"/],
    [{ group_by: "day,month" }, /at most one of hour, day and month/],
    [{ from: "yesterday" }, /from: expected a date/],
    [{ from: "2026-04-02", to: "2026-04-01" }, /from: expected a time before to/],
  ] as const
) {
  Deno.test(`usage refuses ${JSON.stringify(parameters)}`, () => {
    assert.throws(() => query(parameters), message);
  });
}
