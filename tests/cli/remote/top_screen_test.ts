/** The screen of `adit top` at any size. */

import { deepEqual, equal, match, ok } from "node:assert/strict";

import type { InFlightView, NowView } from "../../../lib/admin/contract/contract.ts";
import { tableLines } from "../../../lib/cli/remote/screen_table.ts";
import { topScreen } from "../../../lib/cli/remote/top_screen.ts";

const REQUEST: InFlightView = {
  request_id: "req_0123456789abcdef0123456789abcdef",
  age_ms: 65_000,
  caller: "search",
  model: "haiku",
  endpoint: "chat",
  target: "east",
  stream: true,
  failed_attempts: 1,
  first_byte_ms: 100,
  sent_bytes: 123_456,
  bytes_per_s: 2000,
  output_tokens: null,
  output_tokens_per_s: null,
};

const USE = {
  requests: 12_345,
  errors: 2,
  input_tokens: 1,
  output_tokens: 2,
  cost_usd: "0.05",
  unpriced_requests: 0,
};

const NOW: NowView = {
  at: "2026-11-20T12:00:00.000Z",
  version: "1.2.3",
  started_at: "2026-11-20T10:00:00.000Z",
  uptime_s: 7200,
  draining: false,
  threads: 2,
  requests_total: 1_234_567,
  rate: { requests_per_s: 12.5, errors_per_s: 0, input_tokens_per_s: 100, output_tokens_per_s: 20_000 },
  seconds: Array.from({ length: 120 }, (_, index) => ({
    t: index,
    requests: index % 8,
    errors: 0,
    output_tokens: 0,
  })),
  in_flight: { total: 30, requests: Array.from({ length: 30 }, () => REQUEST) },
  models: [{ model: "haiku", ...USE, first_byte_ms_avg: 250, duration_ms_avg: 900 }],
  callers: [
    { caller: "search", ...USE },
    { caller: "partly", ...USE, unpriced_requests: 1 },
    { caller: "unpriced", ...USE, cost_usd: "0", unpriced_requests: 12_345 },
  ],
  errors: [{ error: "timeout", requests: 2, caller: "search" }],
  targets: [{
    model: "haiku",
    target: "east",
    provider: "east",
    region: "us-east-1",
    model_id: "m",
    state: "resting",
    rests_ms: 4000,
    in_flight: 0,
    latency_ms: 20,
    failures_in_row: 3,
    last_error: "timeout",
  }],
  targets_total: 1,
  ledger: null,
  memory_bytes: 64 * 1024 ** 2,
};

const PLAIN = { size: undefined, isBold: false, lost: undefined };

Deno.test("everything is shown as text if there is no screen", () => {
  const lines = topScreen(NOW, PLAIN);
  equal(lines[0], "adit 1.2.3  up 2 h 0 min  2 threads  64 MiB  2026-11-20 12:00:00 UTC");
  equal(lines[1], "requests 12.5/s  errors 0/s  in flight 30  tokens in 100/s out 20k/s  total 1235k");
  equal(lines.filter((line) => line.includes(REQUEST.request_id)).length, 30);
  ok(lines.includes("IN FLIGHT 30"));
  match(lines.join("\n"), /^haiku +east +resting 4 s +0 +20 ms +timeout$/m);
  match(lines.join("\n"), /^haiku +12.3k +2 +1 +2 +0.05 +250 ms$/m);
});

Deno.test("a price that is unknown is not shown as zero", () => {
  const lines = topScreen(NOW, PLAIN).join("\n");
  match(lines, /^partly +12.3k +2 +1 +2 +>=0.05$/m);
  match(lines, /^unpriced +12.3k +2 +1 +2 +\?$/m);
});

for (
  const size of [{ columns: 80, rows: 24 }, { columns: 40, rows: 12 }, { columns: 20, rows: 6 }, {
    columns: 300,
    rows: 80,
  }]
) {
  Deno.test(`a screen of ${size.columns} by ${size.rows} is never overfull`, () => {
    const lines = topScreen(NOW, { ...PLAIN, size });
    ok(lines.length <= size.rows, `${lines.length} lines`);
    deepEqual(lines.filter((line) => [...line].length > size.columns), []);
    match(lines[0] ?? "", /^adit 1\.2\.3/);
  });
}

Deno.test("every section gets a few lines before one gets all of its lines", () => {
  const lines = topScreen(NOW, { ...PLAIN, size: { columns: 80, rows: 40 } });
  for (const title of ["IN FLIGHT 30", "ERRORS", "TARGETS 1", "MODELS", "CALLERS"]) {
    ok(lines.some((line) => line.startsWith(title)), title);
  }
});

Deno.test("the least important columns go first, and long names are cut", () => {
  const columns = [
    { title: "NAME", rank: 0, text: ({ name }: { name: string }) => name },
    { title: "N", rank: 2, isNumber: true, text: () => "1234" },
    { title: "WHY", rank: 1, text: () => "because" },
  ];
  const rows = [{ name: "x".repeat(100) }, { name: "y" }];
  equal(tableLines(rows, columns, Infinity)[1], `${"x".repeat(39)}…  1234  because`);
  deepEqual(tableLines([{ name: "y" }], columns, 20), ["NAME     N  WHY", "y     1234  because"]);
  deepEqual(tableLines([{ name: "y" }], columns, 15), ["NAME  WHY", "y     because"]);
  deepEqual(tableLines(rows, columns, 6), ["NAME", "xxxxx…", "y"]);
});

Deno.test("names cannot control the terminal, and wide ones do not shift columns", () => {
  const columns = [
    { title: "NAME", rank: 0, text: ({ name }: { name: string }) => name },
    { title: "N", rank: 1, isNumber: true, text: () => "1" },
  ];
  const lines = tableLines(
    [{ name: "a\x1b[2Jb\r\n\u202ec\u200b" }, { name: "模型" }, { name: "e\u0301" }],
    columns,
    80,
  );
  equal(lines[1], "a?[2Jb???c?  1");
  equal(lines[2], "模型         1");
  equal(lines[3], "e\u0301            1");
});

Deno.test("a lost gateway, a failing ledger and draining are shown at the top", () => {
  const ledger = { path: "/x", written: 1, queued: 5, dropped: 2, error: "disk full" };
  const size = { columns: 80, rows: 24 };
  const failing = topScreen({ ...NOW, ledger, draining: true }, { ...PLAIN, size });
  match(failing[0] ?? "", /^DRAINING {2}adit/);
  equal(failing[3], "LEDGER: disk full; queued 5, dropped 2");
  equal(topScreen(NOW, { ...PLAIN, size, lost: "socket closed" })[3], "LOST: socket closed; trying again");
});
