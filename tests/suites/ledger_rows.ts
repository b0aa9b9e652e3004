/** Ledgers in memory, for tests that read them. */

import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS } from "../../lib/ledger/migrations.ts";
import { NAMES, NUMBERS, type PackedRows, ROW_NUMBERS, RowPacker } from "../../lib/ledger/packed_rows.ts";
import type { LedgerRow } from "../../lib/ledger/row.ts";
import { type Batch, LedgerWriter } from "../../lib/ledger/writer.ts";

/** A request as a row of the ledger. */
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

/** Rows as they are sent to the ledger's thread. */
export function packed(...rows: readonly LedgerRow[]): PackedRows {
  const packer = new RowPacker(rows.length);
  for (const row of rows) packer.add(row);
  return packer.take();
}

/** The opposite of `packed`. */
export function unpacked({ count, numbers, requestIds, names, details }: PackedRows): readonly LedgerRow[] {
  const all = new Float64Array(numbers);
  return Array.from({ length: count }, (_, row) => {
    const start = row * ROW_NUMBERS;
    const set = (all[start + NUMBERS.length] ?? NaN) * NAMES.length;
    const number = (name: (typeof NUMBERS)[number]) => all[start + NUMBERS.indexOf(name)] ?? NaN;
    const text = (name: (typeof NAMES)[number]) => names[set + NAMES.indexOf(name)] ?? "";
    const numberOrNull = (name: (typeof NUMBERS)[number]) => Number.isNaN(number(name)) ? null : number(name);
    return {
      atMs: number("atMs"),
      requestId: requestIds.split(" ")[row] ?? "",
      caller: text("caller"),
      team: text("team"),
      model: text("model"),
      target: text("target"),
      modelId: text("modelId"),
      region: text("region"),
      api: text("api"),
      status: number("status"),
      error: text("error"),
      attempts: number("attempts"),
      ms: number("ms"),
      firstMs: numberOrNull("firstMs"),
      input: number("input"),
      output: number("output"),
      cacheRead: number("cacheRead"),
      cacheWrite: number("cacheWrite"),
      cacheWrite1h: number("cacheWrite1h"),
      reasoning: number("reasoning"),
      images: number("images"),
      tier: text("tier"),
      costNano: numberOrNull("costNano"),
      price: text("price"),
      isEstimated: number("isEstimated") === 1,
      tags: text("tags"),
      detail: details.find(([index]) => index === row)?.[1] ?? "",
    };
  });
}

/** A batch with only rows, each of them `LEDGER_ROW` with these changes. */
export function batchOf(...rows: readonly Partial<LedgerRow>[]): Batch {
  return { rows: packed(...rows.map((row) => ({ ...LEDGER_ROW, ...row }))), budgets: [], events: [] };
}

/** A ledger in memory with these rows. */
export function ledgerWith(...rows: readonly Partial<LedgerRow>[]) {
  const database = new DatabaseSync(":memory:");
  for (const sql of MIGRATIONS) database.exec(sql);
  const writer = new LedgerWriter(database);
  writer.write(batchOf(...rows));
  return { database, writer };
}
