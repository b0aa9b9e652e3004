/** Reads what was used in a period, to the millisecond, for budgets that begin in the middle of their window. */

import type { DatabaseSync } from "node:sqlite";
import type { UsedBefore } from "../snapshot/budget.ts";

/** The kind of events with the definitions of all budgets, of which the ledger keeps only the latest. */
export const BUDGET_DEFINITIONS = "budget definitions";

const HOUR_MS = 3_600_000;

export interface UsedQuery {
  /** Inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

const KEYS = ["caller", "team", "model", "tags"] as const;
const TOKENS = "input + output + cache_read + cache_write";

/** Sums by caller, team, model and tags, from the sums of whole hours and the single requests before and after them. */
export function queryUsed(database: DatabaseSync, { fromMs, toMs }: UsedQuery): readonly UsedBefore[] {
  const fromHour = Math.ceil(fromMs / HOUR_MS);
  const toHour = Math.max(fromHour, Math.floor(toMs / HOUR_MS));
  const statement = database.prepare(
    `SELECT ${KEYS.map((key) => `(SELECT text FROM name WHERE id = used.${key}) AS ${key}_text`).join(", ")},
    SUM(requests) AS requests, SUM(tokens) AS tokens, SUM(cost_nano) AS cost_nano FROM (
      SELECT ${KEYS.join(", ")}, requests - errors AS requests, ${TOKENS} AS tokens, cost_nano
      FROM usage_hour WHERE hour >= ? AND hour < ?
      UNION ALL
      SELECT ${KEYS.join(", ")}, status BETWEEN 200 AND 299, ${TOKENS}, COALESCE(cost_nano, 0)
      FROM request WHERE (at_ms >= ? AND at_ms < ?) OR (at_ms >= ? AND at_ms < ?)
    ) AS used GROUP BY ${KEYS.map((key) => `used.${key}`).join(", ")}`,
  );
  statement.setReadBigInts(true);
  const first = Math.min(fromHour * HOUR_MS, toMs);
  const last = Math.max(toHour * HOUR_MS, first);
  return statement.all(fromHour, toHour, fromMs, first, last, toMs).map((row) => {
    const text = (key: (typeof KEYS)[number]) => String(row[`${key}_text`] ?? "");
    const sum = (name: string) => BigInt(String(row[name]));
    return {
      caller: text("caller"),
      team: text("team"),
      model: text("model"),
      tags: text("tags") === "" ? {} : JSON.parse(text("tags")),
      requests: sum("requests"),
      tokens: sum("tokens"),
      costNano: sum("cost_nano"),
    };
  });
}
