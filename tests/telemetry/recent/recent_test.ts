/** What is kept in memory of the requests that have ended. */

import { deepEqual, equal, ok } from "node:assert/strict";

import type { ErrorKind } from "../../../lib/base/errors.ts";
import type { RequestRecord } from "../../../lib/snapshot/record.ts";
import { Failures } from "../../../lib/telemetry/recent/failures.ts";
import { LiveRates } from "../../../lib/telemetry/recent/live_rates.ts";
import { RecentRequests } from "../../../lib/telemetry/recent/recent_requests.ts";
import { record } from "../record.ts";

/** On a minute. */
const START_MS = Date.UTC(2026, 10, 20, 12);
const MINUTE_MS = 60_000;

function at(endMs: number, overrides: Partial<RequestRecord> = {}): RequestRecord {
  return record({ startedAtMs: endMs - 40, durationMs: 40, ...overrides });
}

function failed(kind: ErrorKind, overrides: Partial<RequestRecord> = {}): Partial<RequestRecord> {
  const error = { kind, reason: "wait", param: undefined, upstream: undefined, cause: undefined };
  return { status: 429, error, ...overrides };
}

const PROBE = { caller: undefined, endpoint: "health", model: undefined };

Deno.test("the last thousand requests are kept, and health checks are not", () => {
  const recent = new RecentRequests();
  for (let number = 1; number <= 2345; number++) {
    recent.sink(at(START_MS, { requestId: `req_${number}` }));
    recent.sink(at(START_MS, PROBE));
  }
  const ids = [...recent.newest()].map((each) => each.record.requestId);
  deepEqual([recent.size, ids.length, ids[0], ids.at(-1)], [1000, 1000, "req_2345", "req_1346"]);
  deepEqual([...recent.newest(1347)].map(({ seq }) => seq), [1346]);
  deepEqual([...recent.newest(1)], []);
});

Deno.test("fewer requests are all there", () => {
  const recent = new RecentRequests();
  equal([...recent.newest()].length, 0);
  for (const requestId of ["a", "b"]) recent.sink(at(START_MS, { requestId }));
  deepEqual([...recent.newest()].map((each) => each.record.requestId), ["b", "a"]);
});

const SPENT = {
  usage: { inputTokens: 10, outputTokens: 20, cacheReadTokens: 0, cacheWriteTokens: 0 },
  estimated: false,
};

Deno.test("requests are counted in the second in which they ended", () => {
  const rates = new LiveRates();
  rates.sink(at(START_MS + 100, { spent: SPENT }));
  rates.sink(at(START_MS + 900, failed("timeout")));
  rates.sink(at(START_MS + 1100));
  rates.sink(at(START_MS + 1200, PROBE));
  const short = rates.seconds(3, START_MS + 2000);
  deepEqual(short.map(({ requests, errors, outputTokens }) => [requests, errors, outputTokens]), [
    [0, 0, 0],
    [2, 1, 20],
    [1, 0, 0],
  ]);
  // The same place, a turn later.
  equal(rates.seconds(120, START_MS + 10 * MINUTE_MS).every(({ requests }) => requests === 0), true);
  equal(rates.total, 3);
});

Deno.test("models, callers and errors are those of the last five minutes", () => {
  const rates = new LiveRates();
  rates.sink(at(START_MS, { model: "old", caller: "gone" }));
  const nowMs = START_MS + 6 * MINUTE_MS;
  rates.sink(at(nowMs - 4 * MINUTE_MS, { spent: SPENT, stream: true, cost: { nano: 7, price: "p" } }));
  rates.sink(at(nowMs - 1000, failed("limit_requests", { model: undefined, caller: "batch" })));
  rates.sink(at(nowMs - 1000, { ...failed("limit_tokens"), cost: { nano: undefined, price: undefined } }));
  const haiku = rates.models(nowMs).get("haiku");
  deepEqual([haiku?.requests, haiku?.errors, haiku?.outputTokens, haiku?.costNano, haiku?.unpriced], [
    2,
    1,
    20,
    7,
    1,
  ]);
  deepEqual([...rates.callers(nowMs).keys()].toSorted(), ["batch", "search"]);
  // Both kinds have one code.
  deepEqual([...rates.errors(nowMs)].map(([code, callers]) => [code, [...callers]]), [
    ["rate_limit_exceeded", [["batch", 1], ["search", 1]]],
  ]);
  equal(rates.models(START_MS).has("old"), true);
  equal(rates.models(nowMs).has("old"), false);
});

Deno.test("names that never end share one after the first hundreds", () => {
  const rates = new LiveRates();
  const native = (number: number) => ({ model: `id-${number}`, caller: `c-${number}` });
  for (let number = 0; number < 2000; number++) {
    rates.sink(at(START_MS, failed("timeout", native(number))));
  }
  const [models, callers] = [rates.models(START_MS), rates.callers(START_MS)];
  deepEqual([models.size, callers.size, models.get("(others)")?.requests], [301, 301, 1700]);
  const errors = [...rates.errors(START_MS).values()];
  deepEqual(errors.map((byCaller) => [byCaller.size, byCaller.get("(others)")]), [[301, 1700]]);
});

Deno.test("who caused which failures is known by the minute", () => {
  const failures = new Failures(START_MS - MINUTE_MS);
  const limit = { rule: "per-key", what: "requests" };
  failures.sink(at(START_MS + 10));
  for (let number = 0; number < 3; number++) {
    failures.sink(at(START_MS + 1000, failed("limit_requests", { caller: "batch", limit })));
  }
  failures.sink(at(START_MS + 59_999, failed("limit_requests")));
  failures.sink(at(START_MS + 61_000, failed("limit_requests", { caller: "batch", limit })));
  // A record of a thread may come a little late.
  failures.sink(at(START_MS + 59_000, failed("limit_requests")));
  const noon = failures.between(START_MS, START_MS + MINUTE_MS);
  deepEqual(noon.map(({ caller, error, status, rule, count }) => [caller, error, status, rule, count]), [
    ["batch", "rate_limit_exceeded", 429, "per-key", 3],
    ["search", "rate_limit_exceeded", 429, "", 2],
  ]);
  equal(failures.between(0, START_MS).length, 0);
  equal(failures.keptSinceMs(START_MS + 2 * MINUTE_MS), START_MS - MINUTE_MS);
});

Deno.test("failures older than a day are forgotten, and too many kinds of a minute share one", () => {
  const failures = new Failures(START_MS);
  for (let number = 0; number < 500; number++) {
    failures.sink(at(START_MS, failed("invalid_key", { caller: `c-${number}` })));
  }
  const first = failures.between(START_MS, START_MS + 1);
  deepEqual([first.length, first.at(-1)?.caller, first.at(-1)?.count], [201, "(others)", 300]);
  const nextDayMs = START_MS + 25 * 60 * MINUTE_MS;
  failures.sink(at(nextDayMs, failed("timeout")));
  deepEqual(failures.between(0, nextDayMs + 1).map(({ error }) => error), ["timeout"]);
  ok(failures.keptSinceMs(nextDayMs) > START_MS);
});

Deno.test("a day of failures takes bounded memory: the oldest are forgotten first, and it is said", () => {
  const failures = new Failures(START_MS);
  const minutes = 200;
  for (let minute = 0; minute < minutes; minute++) {
    for (let number = 0; number < 150; number++) {
      const endMs = START_MS + minute * MINUTE_MS;
      failures.sink(at(endMs, failed("timeout", { caller: `c-${minute}-${number}` })));
    }
  }
  const endMs = START_MS + minutes * MINUTE_MS;
  const kept = failures.between(0, endMs);
  ok(kept.length <= 20_000 && kept.length > 19_000, String(kept.length));
  equal(failures.keptSinceMs(endMs), Math.min(...kept.map(({ minute }) => minute)) * MINUTE_MS);
});
