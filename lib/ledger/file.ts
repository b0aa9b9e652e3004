/** Opens the ledger's file: locks it, checks it, and upgrades its tables to the current version. */

import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../base/errors.ts";
import { networkFileSystemOf } from "./file_system.ts";
import { MIGRATIONS } from "./migrations.ts";
import { inTransaction } from "./transaction.ts";

const FILE = "ledger.db";
const LOCK = "ledger.lock";

/** Why a ledger cannot be used. */
export class LedgerError extends Error {
  constructor(
    /** `locked`: another process uses it; `newer`: a later version wrote it; `unusable`: anything else. */
    readonly reason: "locked" | "newer" | "unusable",
    message: string,
  ) {
    super(message);
  }
}

/** An open ledger, and the lock that keeps other gateways away from it. */
export interface OpenLedger {
  readonly database: DatabaseSync;
  /** Path of the copy from before the upgrade of the tables; undefined if they were current. */
  readonly copy: string | undefined;
  /** Throws if the file has been deleted, moved or replaced: SQLite would write to it without an error. */
  checkPlace(): void;
  close(): void;
}

/** Path of the ledger in the folder of `state.path`. */
export function ledgerFile(folder: string): string {
  return join(folder, FILE);
}

/** Opens the ledger for the gateway that writes it. Throws a `LedgerError`. */
export function openLedger(folder: string): OpenLedger {
  const path = ledgerFile(folder);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    refuseNetwork(folder);
    const lock = lockLedger(folder);
    try {
      if (!existsSync(path)) writeFileSync(path, "", { mode: 0o600, flag: "a" });
      const database = new DatabaseSync(path);
      try {
        database.exec(SETTINGS);
        const copy = migrate(database, path);
        const opened = placeOf(path);
        return {
          database,
          copy,
          checkPlace() {
            if (placeOf(path) !== opened) throw new Error(MISPLACED);
          },
          close() {
            try {
              database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
            } finally {
              database.close();
              lock.close();
            }
          },
        };
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (error) {
      lock.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError("unusable", `Cannot use the ledger ${path}: ${messageOf(error)}`);
  }
}

const MISPLACED = "the file was deleted or replaced; put it back, or restart the gateway to start a new one";

/** Identifies the file at the path; undefined if there is none. */
function placeOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

function refuseNetwork(folder: string): void {
  const network = networkFileSystemOf(folder);
  if (network === undefined) return;
  throw new Error(`the folder is on ${network}; it must be on a local disk`);
}

/** Opens the ledger for reading, even while a gateway writes it. Throws a `LedgerError`. */
export function readLedger(folder: string): DatabaseSync {
  return openExisting(folder, "read", (database) => database.exec("PRAGMA busy_timeout = 5000"));
}

/** Opens the ledger for corrections, even while a gateway writes it. Throws a `LedgerError`. */
export function correctLedger(folder: string): DatabaseSync {
  return openExisting(folder, "correct", (database) => {
    refuseNetwork(folder);
    database.exec(SETTINGS);
    if (versionOf(database) >= MIGRATIONS.length) return;
    throw new Error("it was written by an older version of Adit; start the gateway once to upgrade it");
  });
}

function openExisting(
  folder: string,
  action: "read" | "correct",
  prepare: (database: DatabaseSync) => void,
): DatabaseSync {
  const path = ledgerFile(folder);
  let database: DatabaseSync | undefined;
  try {
    if (!existsSync(path)) throw new Error("no such file");
    database = new DatabaseSync(path, { readOnly: action === "read" });
    prepare(database);
    checkVersion(database, path);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof LedgerError) throw error;
    throw new LedgerError("unusable", `Cannot ${action} the ledger ${path}: ${messageOf(error)}`);
  }
}

/** With these, a power failure may lose the last transactions but never damages the file. */
const SETTINGS = `
PRAGMA busy_timeout = 5000;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA journal_size_limit = 67108864;
PRAGMA wal_autocheckpoint = 1000;
`;

/** Held until the process ends in any way: the operating system releases the lock of a dead process. */
function lockLedger(folder: string): DatabaseSync {
  const path = join(folder, LOCK);
  if (!existsSync(path)) writeFileSync(path, "", { mode: 0o600, flag: "a" });
  const lock = new DatabaseSync(path);
  try {
    lock.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    if (!/locked|busy/.test(messageOf(error))) throw error;
    throw new LedgerError(
      "locked",
      `Cannot use the ledger ${ledgerFile(folder)}: another gateway uses it; give each its own state.path`,
    );
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}

function checkVersion(database: DatabaseSync, path: string): number {
  const version = versionOf(database);
  if (version <= MIGRATIONS.length) return version;
  const copy = copyPath(path, MIGRATIONS.length);
  const advice = existsSync(copy) ? `; the copy from before the upgrade is ${copy}` : "";
  throw new LedgerError(
    "newer",
    `Cannot use the ledger ${path}: it was written by a later version of Adit (table version ${version}; ` +
      `this version supports up to ${MIGRATIONS.length})${advice}`,
  );
}

/** Upgrades the tables in one transaction, after making a copy; returns the copy's path. */
function migrate(database: DatabaseSync, path: string): string | undefined {
  const version = checkVersion(database, path);
  if (version === MIGRATIONS.length) return undefined;
  let copy: string | undefined;
  if (version > 0) {
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    copy = copyPath(path, version);
    copyFileSync(path, copy);
  }
  inTransaction(database, () => {
    for (const sql of MIGRATIONS.slice(version)) database.exec(sql);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
  return copy;
}

/** The path for the copy of a file with this version of the tables. */
function copyPath(path: string, version: number): string {
  return `${path}.tables-${version}`;
}
