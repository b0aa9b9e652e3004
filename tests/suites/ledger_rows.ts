/** Ledgers in memory, for tests of what is read from them. */

import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS } from "../../lib/ledger/migrations.ts";
import type { LedgerRow } from "../../lib/ledger/row.ts";
import { LedgerWriter } from "../../lib/ledger/writer.ts";

/** A request as the ledger keeps it. */
export const LEDGER_ROW: LedgerRow = {
  atMs: Date.parse("2026-03-28T22:30:00Z"),
  requestId: "req_1",
  caller: "search",
  team: "web",
  model: "haiku",
  target: "east",
  modelId: "m",
  region: "us-east-1",
  api: "openai",
  status: 200,
  error: "",
  attempts: 1,
  ms: 5,
  firstMs: null,
  input: 1,
  output: 2,
  cacheRead: 3,
  cacheWrite: 4,
  cacheWrite1h: 1,
  reasoning: 1,
  images: 0,
  tier: "",
  costNano: 10,
  price: "p",
  isEstimated: false,
  tags: "",
  detail: "",
};

/** A ledger in memory with these rows. */
export function ledgerWith(...rows: readonly Partial<LedgerRow>[]) {
  const database = new DatabaseSync(":memory:");
  for (const sql of MIGRATIONS) database.exec(sql);
  const writer = new LedgerWriter(database);
  writer.write({ rows: rows.map((row) => ({ ...LEDGER_ROW, ...row })), budgets: [], events: [] });
  return { database, writer };
}
