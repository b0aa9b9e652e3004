/** What the ledger knows for budgets that begin in the middle of their window. */

import assert from "node:assert/strict";
import type { LedgerRow } from "../../lib/ledger/row.ts";
import { queryUsed } from "../../lib/ledger/used.ts";
import { ledgerWith } from "../suites/ledger_rows.ts";

const HOUR = 3_600_000;
const NOON = Date.parse("2026-11-15T12:00:00Z");

function usedIn(fromMs: number, toMs: number, ...rows: readonly Partial<LedgerRow>[]) {
  return queryUsed(ledgerWith(...rows).database, { fromMs, toMs });
}

Deno.test("a period is exact to the millisecond, and each request is counted once", () => {
  const times = [-HOUR, -1, 0, 1, HOUR / 2, HOUR, 2 * HOUR - 1, 2 * HOUR, 3 * HOUR + 5].map((ms) =>
    NOON + ms
  );
  const rows = times.map((atMs) => ({ atMs, costNano: 1 }));
  for (const from of times) {
    for (const to of times) {
      const [found] = usedIn(from, to, ...rows);
      const expected = times.filter((atMs) => atMs >= from && atMs < to).length;
      assert.equal(Number(found?.requests ?? 0n), expected, `${from - NOON} to ${to - NOON}`);
      assert.equal(Number(found?.costNano ?? 0n), expected);
    }
  }
});

Deno.test("usage is grouped by caller, team, model and tags; errors do not count as requests, nor unknown prices as money", () => {
  const rows = usedIn(
    0,
    NOON + HOUR,
    { atMs: NOON, costNano: 7 },
    { atMs: NOON, costNano: null, tags: '{"stage":"test"}' },
    { atMs: NOON, status: 429, costNano: 0, input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    { atMs: NOON, caller: "other", team: "", model: "" },
  );
  const sums = rows.map((
    row,
  ) => [row.caller, row.team, row.model, row.tags, row.requests, row.tokens, row.costNano]);
  assert.deepEqual(
    new Set(sums),
    new Set([
      ["search", "web", "haiku", {}, 1n, 10n, 7n],
      ["search", "web", "haiku", { stage: "test" }, 1n, 10n, 0n],
      ["other", "", "", {}, 1n, 10n, 10n],
    ]),
  );
});
