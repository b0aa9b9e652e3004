/** The operator's views: who may see them, and what each one has. */

import { deepEqual, equal, match, ok } from "node:assert/strict";

import type { RecentView } from "../../../lib/admin/contract/contract.ts";
import type { RequestRecord } from "../../../lib/snapshot/record.ts";
import { START_MS } from "../../fakes/time.ts";
import { record } from "../../telemetry/record.ts";
import { KEY, KEY_HASH, viewWorld } from "./world.ts";

const PATHS = [
  "now",
  "recent",
  "recent/req_1",
  "failures",
  "limits",
  "catalog",
  "catalog/haiku",
  "configuration",
  "configuration/values",
  "try",
  "log",
].map((path) => `/admin/v1/${path}`);

Deno.test("every view needs the admin key where one is set, and is read-only", async () => {
  const open = viewWorld();
  const closed = viewWorld({ access: () => ({ keyHash: KEY_HASH }) });
  for (const path of PATHS) {
    equal((await open.send(`DELETE ${path}`)).status, 405, path);
    equal((await closed.send(`GET ${path}`)).status, 401, path);
    equal((await closed.send(`POST ${path}`, { body: {} })).status, 401, path);
    const wrong = { authorization: "Bearer adit-other-key", accept: "text/event-stream" };
    equal((await closed.send(`GET ${path}`, { headers: wrong })).status, 401, path);
    const right = await closed.send(`GET ${path}`, { headers: { authorization: `Bearer ${KEY}` } });
    equal(right.status, path.endsWith("req_1") ? 404 : 200, path);
    equal(right.headers.get("cache-control"), "no-store");
  }
  for (const path of ["/admin/v1/nothing", "/admin/v1/now/x", "/admin/v1/", "/admin/v1/catalog/", "/now"]) {
    equal((await open.send(`GET ${path}`)).status, 599, path);
  }
});

Deno.test("wrong parameters are named", async () => {
  const { send } = viewWorld();
  for (
    const [target, message] of [
      ["recent?limit=0", /^limit: expected a number from 1 to 1000$/],
      ["recent?limit=5000", /^limit: /],
      ["catalog?cursor=x", /^cursor: expected next_cursor/],
      ["failures?from=noon", /^from: expected a time/],
      ["failures?from=2026-11-20T10:00:00Z&to=2026-11-20T09:00:00Z", /^from: expected a time before to$/],
      ["log?level=loud", /^level: expected debug, info, warn, error$/],
      ["catalog/%ff", /percent-encoded/],
    ] as const
  ) {
    const response = await send(`GET /admin/v1/${target}`);
    equal(response.status, 400, target);
    match((await response.json()).error, message);
  }
  equal((await send("GET /admin/v1/try?model=none")).status, 404);
});

Deno.test("an address that cannot be parsed does not hide the parameters", async () => {
  const { views, sources } = viewWorld();
  sources.recent.sink(record());
  const request = new Proxy(new Request("http://localhost/"), {
    get: (target, key) => key === "url" ? "http://[::bad/admin/v1/recent?limit=0" : Reflect.get(target, key),
  });
  const clientGone = new AbortController().signal;
  const response = await views.api({ request, path: "/admin/v1/recent", remote: "", clientGone });
  equal(response?.status, 400);
});

const BUSY = {
  requestId: "req_1",
  startedAtMs: START_MS - 3_000,
  caller: "search",
  model: "haiku",
  endpoint: "chat",
  target: "east",
  stream: true,
  failedAttempts: 1,
  firstByteMs: 1_000,
  sentBytes: 500,
  outputTokens: 30,
};

Deno.test("now: rates, requests in flight with their age, and targets in trouble first", async () => {
  const target = {
    model: "haiku",
    target: "east",
    provider: "east",
    region: "us-east-1",
    model_id: "m",
    state: "available",
    rests_ms: 0,
    in_flight: 3,
    latency_ms: 20,
    failures_in_row: 0,
    last_error: null,
  } as const;
  const resting = { ...target, target: "west", state: "resting", rests_ms: 900, in_flight: 0 } as const;
  const waiting = {
    ...BUSY,
    requestId: "req_2",
    firstByteMs: undefined,
    outputTokens: undefined,
    sentBytes: 0,
  };
  const { sources, get } = viewWorld({
    inFlight: (count) => Promise.resolve({ total: 7, requests: [BUSY, waiting].slice(0, count) }),
    usedTargets: () => [target, resting],
  });
  const spent = {
    usage: { inputTokens: 100, outputTokens: 50, cacheReadTokens: 0, cacheWriteTokens: 0 },
    estimated: false,
  };
  sources.rates.sink(record({ startedAtMs: START_MS - 2000, spent, cost: { nano: 1500, price: "p" } }));
  const now = await get("/admin/v1/now");
  deepEqual([now.version, now.uptime_s, now.draining, now.requests_total, now.ledger], [
    "1.2.3",
    5,
    false,
    1,
    null,
  ]);
  deepEqual(now.rate, {
    requests_per_s: 0.1,
    errors_per_s: 0,
    input_tokens_per_s: 10,
    output_tokens_per_s: 5,
  });
  deepEqual([now.seconds.length, now.seconds.at(-1).t], [120, START_MS / 1000 - 1]);
  equal(now.in_flight.total, 7);
  const [first, second] = now.in_flight.requests;
  deepEqual([first.age_ms, first.bytes_per_s, first.output_tokens_per_s, first.failed_attempts], [
    3000,
    250,
    15,
    1,
  ]);
  deepEqual([second.age_ms, second.bytes_per_s, second.output_tokens], [3000, null, null]);
  deepEqual(now.models, [{
    model: "haiku",
    requests: 1,
    errors: 0,
    input_tokens: 100,
    output_tokens: 50,
    cost_usd: "0.0000015",
    unpriced_requests: 0,
    first_byte_ms_avg: null,
    duration_ms_avg: 40,
  }]);
  deepEqual(now.targets.map((each: { target: string }) => each.target), ["west", "east"]);
});

const FAILED: Partial<RequestRecord> = {
  requestId: "req_failed",
  clientRequestId: "mine-1",
  caller: "batch",
  team: "web",
  status: 504,
  error: { kind: "timeout", reason: "too slow", param: undefined, upstream: undefined, cause: undefined },
  attempts: [{
    target: "east",
    provider: "east",
    region: "us-east-1",
    modelId: "m",
    startMs: 2,
    error: "timeout",
    ms: 5000,
    upstreamRequestId: "aws-1",
  }],
};

Deno.test("recent: by caller, model, error and id, page by page", async () => {
  const { sources, get, send } = viewWorld();
  for (let number = 1; number <= 5; number++) sources.recent.sink(record({ requestId: `req_${number}` }));
  sources.recent.sink(record(FAILED));
  const idsOf = async (query: string) => {
    const { requests, next_cursor }: RecentView = await get(`/admin/v1/recent?${query}`);
    return [...requests.map(({ request_id }) => request_id), ...(next_cursor === null ? [] : ["more"])];
  };
  deepEqual(await idsOf("filter.caller=batch"), ["req_failed"]);
  for (const error of ["*", "timeout"]) deepEqual(await idsOf(`filter.error=${error}`), ["req_failed"]);
  for (const id of ["req_failed", "mine-1"]) {
    deepEqual(await idsOf(`filter.request_id=${id}`), ["req_failed"]);
  }
  deepEqual(await idsOf("filter.team=web&filter.model=nothing"), []);
  deepEqual(await idsOf("limit=2"), ["req_failed", "req_5", "more"]);
  const { next_cursor, kept } = await get("/admin/v1/recent?limit=2");
  deepEqual(await idsOf(`limit=4&cursor=${next_cursor}`), ["req_4", "req_3", "req_2", "req_1"]);
  equal(kept, 6);
  const failed = await get("/admin/v1/recent/req_failed");
  deepEqual([
    failed.error.code,
    failed.error.reason,
    failed.attempts[0].error,
    failed.attempts[0].duration_ms,
  ], [
    "timeout",
    "too slow",
    "timeout",
    5000,
  ]);
  equal((await send("GET /admin/v1/recent/req_0")).status, 404);
});

Deno.test("limits and models are searched and paged on the server", async () => {
  const budget = {
    name: "team",
    subject: "web",
    unit: "usd" as const,
    limit: "5.00",
    spent: "1.00",
    held: "0.00",
    remaining: "4.00",
    worst_case: "1.00",
    requests: 1,
    window_start: null,
    window_end: null,
    when_spent: "refuse",
    applies_to: "model claude",
  };
  const budgets = Array.from({ length: 10_000 }, (_, index) => ({ ...budget, subject: `team-${index}` }));
  const { get } = viewWorld({ budgets: () => budgets });
  const page = await get("/admin/v1/limits?limit=10&cursor=20");
  deepEqual([page.budgets.length, page.budgets[0].subject, page.budgets_total, page.next_cursor], [
    10,
    "team-20",
    10_000,
    "30",
  ]);
  const found = await get("/admin/v1/limits?search=TEAM-9999");
  deepEqual([found.budgets_total, found.next_cursor], [1, null]);
  equal((await get("/admin/v1/limits?search=model+claude")).budgets_total, 10_000);
  const all = await get("/admin/v1/catalog");
  ok(all.total > 0);
  deepEqual((await get("/admin/v1/catalog?search=no-such-model")).models, []);
  equal((await get(`/admin/v1/catalog/${all.models[0].name}`)).details[0].traits_error, "no copy");
});

Deno.test("the configuration says whether the last edit took effect", async () => {
  const reload = {
    at: "",
    reason: "file change",
    ok: false,
    problems: ["adit.yaml:1:1: x: wrong"],
    changes: {},
  };
  const state = { file: "adit.yaml", generation: 3, loadedAt: "", warnings: [] };
  const { get } = viewWorld({
    configuration: {
      state: () => ({ ...state, reloads: [reload, { ...reload, ok: true, problems: [] }] }),
      values: ({ search, offset, limit }) =>
        Promise.resolve({ values: [{ path: search, value: `${offset}`, origin: `${limit}` }], total: 9 }),
      traits: () => Promise.resolve([]),
    },
  });
  const view = await get("/admin/v1/configuration");
  deepEqual([view.is_latest, view.generation, view.reloads[0].problems], [false, 3, reload.problems]);
  deepEqual(await get("/admin/v1/configuration/values?search=Key&limit=3&cursor=3"), {
    values: [{ path: "key", value: "3", origin: "3" }],
    total: 9,
    next_cursor: "6",
    error: null,
  });
});

Deno.test("failures are grouped by who caused them", async () => {
  const { sources, get } = viewWorld();
  const error = {
    kind: "limit_requests",
    reason: "",
    param: undefined,
    upstream: undefined,
    cause: undefined,
  } as const;
  for (const caller of ["batch", "search", "batch"]) {
    sources.failures.sink(record({ caller, error, status: 429, startedAtMs: START_MS - 120_000 }));
  }
  const view = await get("/admin/v1/failures");
  deepEqual(
    view.groups.map((each: Record<string, unknown>) => [each["caller"], each["error"], each["failures"]]),
    [
      ["batch", "rate_limit_exceeded", 2],
      ["search", "rate_limit_exceeded", 1],
    ],
  );
  deepEqual(view.minutes, [{ minute: "2026-11-20T08:58:00.000Z", failures: 3 }]);
  equal((await get("/admin/v1/failures?filter.caller=search")).groups_total, 1);
  equal((await get("/admin/v1/failures?to=2026-11-20T08:00:00Z")).groups_total, 0);
});
