/** The ledger's thread. Everything that touches the file runs here, so that requests never wait for a disk. */

import type { DatabaseSync } from "node:sqlite";
import { parentPort } from "node:worker_threads";
import { messageOf } from "../base/errors.ts";
import { LedgerError, type OpenLedger, openLedger } from "./file.ts";
import type { FromLedger, ToLedger } from "./messages.ts";
import { queryBudgets, queryLastEvent, queryRequests, queryUsage } from "./queries.ts";
import { BUDGET_DEFINITIONS, queryUsed } from "./used.ts";
import { LedgerWriter, type Retention } from "./writer.ts";

const port = parentPort;
if (port === null) throw new Error("Cannot run the ledger's worker on the main thread");

let ledger: OpenLedger | undefined;
let writer: LedgerWriter | undefined;
let retention: Retention | undefined;
let lastPruneMs = -Infinity;

/** Time between two searches for old rows, unless the last one left some. */
const PRUNE_EVERY_MS = 60_000;

function say(message: FromLedger): void {
  port?.postMessage(message);
}

function open(folder: string): void {
  try {
    ledger = openLedger(folder);
    writer = new LedgerWriter(ledger.database);
    const { database, copy } = ledger;
    const definitions = queryLastEvent(database, BUDGET_DEFINITIONS);
    say({ kind: "opened", budgets: { rows: queryBudgets(database), definitions }, copy });
  } catch (error) {
    ledger?.close();
    ledger = undefined;
    const reason = error instanceof LedgerError ? error.reason : "unusable";
    say({ kind: "not opened", reason, message: messageOf(error) });
  }
}

function write({ batch, nowMs }: ToLedger & { readonly kind: "write" }): void {
  try {
    ledger?.checkPlace();
    writer?.write(batch);
    say({ kind: "written" });
  } catch (error) {
    say({ kind: "not written", message: messageOf(error) });
    return;
  }
  if (retention === undefined || Math.abs(nowMs - lastPruneMs) < PRUNE_EVERY_MS) return;
  try {
    if (writer?.prune(retention, nowMs) !== true) lastPruneMs = nowMs;
  } catch {
    // If the file is damaged, the next batch reports it.
    lastPruneMs = nowMs;
  }
}

function answer(id: number, query: (database: DatabaseSync) => FromLedger): void {
  const database = ledger?.database;
  if (database === undefined) return say({ kind: "failed", id, message: "the ledger is not open" });
  try {
    say(query(database));
  } catch (error) {
    say({ kind: "failed", id, message: messageOf(error) });
  }
}

port.on("message", (message: ToLedger) => {
  switch (message.kind) {
    case "open":
      retention = message.retention;
      return open(message.folder);
    case "retention":
      retention = message.retention;
      return;
    case "write":
      return write(message);
    case "usage":
      return answer(message.id, (database) => ({
        kind: "usage",
        id: message.id,
        result: queryUsage(database, message.query),
      }));
    case "requests":
      return answer(message.id, (database) => ({
        kind: "requests",
        id: message.id,
        result: queryRequests(database, message.query),
      }));
    case "used":
      return answer(message.id, (database) => ({
        kind: "used",
        id: message.id,
        result: queryUsed(database, message.query),
      }));
    case "close":
      try {
        ledger?.close();
      } finally {
        ledger = undefined;
        say({ kind: "closed" });
      }
  }
});
