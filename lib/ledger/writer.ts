/** Writes rows to the ledger, and removes what is older or more than the configuration keeps. */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BudgetRow } from "../snapshot/budget.ts";
import type { LedgerRow } from "./row.ts";
import { inTransaction } from "./transaction.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** An event of the ledger, such as a correction. */
export interface LedgerEvent {
  readonly atMs: number;
  readonly kind: string;
  readonly subject: string;
  readonly json: string;
}

/** What is written in one transaction. */
export interface Batch {
  readonly rows: readonly LedgerRow[];
  readonly budgets: readonly BudgetRow[];
  readonly events: readonly LedgerEvent[];
}

/** How much is kept. */
export interface Retention {
  readonly requestDays: number;
  readonly hourDays: number;
  readonly maxBytes: number;
}

type Kind =
  | "caller"
  | "team"
  | "model"
  | "target"
  | "model_id"
  | "region"
  | "api"
  | "error"
  | "tier"
  | "price"
  | "tags";

/** Rows that one step of pruning deletes; more would keep the file locked for long. */
const PRUNE_ROWS = 500;
/** Names that are kept in memory; callers with native access choose model ids. */
const MAX_NAMES = 20_000;
/** Budget windows are kept as long after their end. */
const BUDGET_DAYS = 90;

const REQUEST =
  `INSERT INTO request (at_ms, request_id, caller, team, model, target, model_id, region, api, status, error,
  attempts, ms, first_ms, input, output, cache_read, cache_write, cache_write_1h, reasoning, images, tier, cost_nano, price,
  estimated, tags) VALUES (${Array.from({ length: 26 }, () => "?").join(", ")})`;

const SUMS = [
  "requests",
  "errors",
  "input",
  "output",
  "cache_read",
  "cache_write",
  "cache_write_1h",
  "reasoning",
  "images",
  "cost_nano",
  "unpriced",
  "estimated",
  "ms",
] as const;

const HOUR = `INSERT INTO usage_hour (hour, caller, team, model, target, tier, tags, ${SUMS.join(", ")})
  VALUES (${Array.from({ length: 7 + SUMS.length }, () => "?").join(", ")})
  ON CONFLICT DO UPDATE SET ${SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`;

const BUDGET = `INSERT INTO budget (name, subject, window_start, window_end, spent, held, requests, alerted)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET window_end = excluded.window_end, spent = excluded.spent,
  held = excluded.held, requests = excluded.requests, alerted = excluded.alerted`;

/** Writes to one open ledger. */
export class LedgerWriter {
  readonly #database: DatabaseSync;
  readonly #request: StatementSync;
  readonly #detail: StatementSync;
  readonly #hour: StatementSync;
  readonly #budget: StatementSync;
  readonly #event: StatementSync;
  readonly #findName: StatementSync;
  readonly #addName: StatementSync;
  readonly #names = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#request = database.prepare(REQUEST);
    this.#detail = database.prepare("INSERT INTO request_detail (seq, json) VALUES (?, ?)");
    this.#hour = database.prepare(HOUR);
    this.#budget = database.prepare(BUDGET);
    this.#event = database.prepare("INSERT INTO event (at_ms, kind, subject, json) VALUES (?, ?, ?, ?)");
    this.#findName = database.prepare("SELECT id FROM name WHERE kind = ? AND text = ?");
    this.#addName = database.prepare("INSERT INTO name (kind, text) VALUES (?, ?) RETURNING id");
  }

  /** Writes all of a batch or, if it throws, nothing. */
  write({ rows, budgets, events }: Batch): void {
    try {
      inTransaction(this.#database, () => {
        for (const row of rows) this.#add(row);
        for (const { name, subject, windowStartMs, windowEndMs, spent, held, requests, alerted } of budgets) {
          this.#budget.run(name, subject, windowStartMs, windowEndMs, spent, held, requests, alerted);
        }
        for (const { atMs, kind, subject, json } of events) this.#event.run(atMs, kind, subject, json);
      });
    } catch (error) {
      // The ids of names that were added in it are gone with it.
      this.#names.clear();
      throw error;
    }
  }

  #add(row: LedgerRow): void {
    const caller = this.#name("caller", row.caller);
    const team = this.#name("team", row.team);
    const model = this.#name("model", row.model);
    const target = this.#name("target", row.target);
    const tier = this.#name("tier", row.tier);
    const tags = this.#name("tags", row.tags);
    const estimated = Number(row.isEstimated);
    const { lastInsertRowid: seq } = this.#request.run(
      row.atMs,
      row.requestId,
      caller,
      team,
      model,
      target,
      this.#name("model_id", row.modelId),
      this.#name("region", row.region),
      this.#name("api", row.api),
      row.status,
      this.#name("error", row.error),
      row.attempts,
      row.ms,
      row.firstMs,
      row.input,
      row.output,
      row.cacheRead,
      row.cacheWrite,
      row.cacheWrite1h,
      row.reasoning,
      row.images,
      tier,
      row.costNano,
      this.#name("price", row.price),
      estimated,
      tags,
    );
    if (row.detail !== "") this.#detail.run(seq, row.detail);
    this.#hour.run(
      Math.floor(row.atMs / HOUR_MS),
      caller,
      team,
      model,
      target,
      tier,
      tags,
      1,
      Number(row.status < 200 || row.status > 299),
      row.input,
      row.output,
      row.cacheRead,
      row.cacheWrite,
      row.cacheWrite1h,
      row.reasoning,
      row.images,
      row.costNano ?? 0,
      Number(row.costNano === null),
      estimated,
      row.ms,
    );
  }

  #name(kind: Kind, text: string): number {
    const key = `${kind} ${text}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const row = this.#findName.get(kind, text) ?? this.#addName.get(kind, text);
    const id = Number(row?.["id"]);
    if (this.#names.size >= MAX_NAMES) this.#names.clear();
    this.#names.set(key, id);
    return id;
  }

  /** Deletes one step of what is too old or too much; true if there may be more. */
  prune({ requestDays, hourDays, maxBytes }: Retention, nowMs: number): boolean {
    const oldRequests = this.#delete("request", "seq", "at_ms < ?", nowMs - requestDays * DAY_MS);
    const hour = Math.floor((nowMs - hourDays * DAY_MS) / HOUR_MS);
    const oldHours = this.#database.prepare(
      "DELETE FROM usage_hour WHERE hour < ? AND hour < (SELECT min(hour) FROM usage_hour) + 24",
    )
      .run(hour).changes;
    this.#database.prepare("DELETE FROM budget WHERE window_end < ?").run(nowMs - BUDGET_DAYS * DAY_MS);
    const tooMuch = this.#usedBytes() > maxBytes ? this.#delete("request", "seq", "? > 0", 1) : 0;
    return Number(oldRequests) >= PRUNE_ROWS || Number(oldHours) > 0 || Number(tooMuch) >= PRUNE_ROWS;
  }

  #delete(table: string, key: string, condition: string, value: number): number {
    return Number(
      this.#database.prepare(
        `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${condition} ORDER BY ${key} LIMIT ${PRUNE_ROWS})`,
      ).run(value).changes,
    );
  }

  /** Bytes in pages that hold something. */
  #usedBytes(): number {
    const read = (pragma: string) => Number(this.#database.prepare(`PRAGMA ${pragma}`).get()?.[pragma] ?? 0);
    return (read("page_count") - read("freelist_count")) * read("page_size");
  }
}
