/** Transactions of the ledger. */

import type { DatabaseSync } from "node:sqlite";

/** Commits everything that `work` writes or, if it throws, nothing. */
export function inTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite has already rolled back, as it does on a full disk.
    }
    throw error;
  }
}
