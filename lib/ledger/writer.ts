/** Writes rows to the ledger, and removes what exceeds the configured age or size. */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BudgetRow } from "../snapshot/budget.ts";
import type { PackedRows } from "./packed_rows.ts";
import { RowWriter } from "./row_writer.ts";
import { inTransaction } from "./transaction.ts";
import { BUDGET_DEFINITIONS } from "./used.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** An event of the ledger, such as a correction of a budget. */
export interface LedgerEvent {
  readonly atMs: number;
  readonly kind: string;
  readonly subject: string;
  readonly json: string;
}

/** The content of one transaction. */
export interface Batch {
  readonly rows: PackedRows;
  readonly budgets: readonly BudgetRow[];
  readonly events: readonly LedgerEvent[];
}

/** How much is kept. */
export interface Retention {
  readonly requestDays: number;
  readonly hourDays: number;
  readonly maxBytes: number;
}

/** Rows that one step of pruning deletes beyond those that the last batch added; more would lock the file for long. */
const PRUNE_ROWS = 500;
/** How long budget windows are kept after their end. */
const BUDGET_DAYS = 90;

const BUDGET = `INSERT INTO budget (name, subject, window_start, window_end, spent, held, requests, alerted)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET window_end = excluded.window_end, spent = excluded.spent,
  held = excluded.held, requests = excluded.requests, alerted = excluded.alerted`;

/** In the order of an index: in any other, each search for old rows would read the whole table. */
const DELETE_REQUESTS =
  "DELETE FROM request WHERE seq IN (SELECT seq FROM request WHERE at_ms < ? ORDER BY at_ms LIMIT ?)";

/** Writes to one open ledger. */
export class LedgerWriter {
  readonly #database: DatabaseSync;
  readonly #rows: RowWriter;
  readonly #budget: StatementSync;
  readonly #event: StatementSync;
  /** Rows of the last batch. */
  #lastRows = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#rows = new RowWriter(database);
    this.#budget = database.prepare(BUDGET);
    this.#event = database.prepare("INSERT INTO event (at_ms, kind, subject, json) VALUES (?, ?, ?, ?)");
  }

  /** Writes all of a batch or, if it throws, nothing. */
  write({ rows, budgets, events }: Batch): void {
    try {
      inTransaction(this.#database, () => {
        this.#rows.write(rows);
        for (const { name, subject, windowStartMs, windowEndMs, spent, held, requests, alerted } of budgets) {
          this.#budget.run(name, subject, windowStartMs, windowEndMs, spent, held, requests, alerted);
        }
        for (const event of events) this.#writeEvent(event);
      });
      this.#lastRows = rows.count;
    } catch (error) {
      this.#rows.forget();
      throw error;
    }
  }

  #writeEvent({ atMs, kind, subject, json }: LedgerEvent): void {
    if (kind === BUDGET_DEFINITIONS) this.#database.prepare("DELETE FROM event WHERE kind = ?").run(kind);
    this.#event.run(atMs, kind, subject, json);
  }

  /**
   * Deletes some of what exceeds the retention; returns whether there may be more. Under any load, it deletes more than
   * was written since the last step.
   */
  prune({ requestDays, hourDays, maxBytes }: Retention, nowMs: number): boolean {
    const limit = PRUNE_ROWS + this.#lastRows;
    const oldRequests = this.#deleteRequests(nowMs - requestDays * DAY_MS, limit);
    const hour = Math.floor((nowMs - hourDays * DAY_MS) / HOUR_MS);
    const oldHours = this.#database.prepare(
      "DELETE FROM usage_hour WHERE hour < ? AND hour < (SELECT min(hour) FROM usage_hour) + 24",
    ).run(hour).changes;
    this.#database.prepare("DELETE FROM budget WHERE window_end < ?").run(nowMs - BUDGET_DAYS * DAY_MS);
    const tooMuch = this.#usedBytes() > maxBytes ? this.#deleteRequests(Infinity, limit) : 0;
    return oldRequests >= limit || Number(oldHours) > 0 || tooMuch >= limit;
  }

  /** Deletes the oldest requests from before a time; returns their number. */
  #deleteRequests(beforeMs: number, limit: number): number {
    return Number(this.#database.prepare(DELETE_REQUESTS).run(beforeMs, limit).changes);
  }

  /** Bytes of all pages in use. */
  #usedBytes(): number {
    const read = (pragma: string) => Number(this.#database.prepare(`PRAGMA ${pragma}`).get()?.[pragma] ?? 0);
    return (read("page_count") - read("freelist_count")) * read("page_size");
  }
}
