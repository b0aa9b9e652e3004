/** Messages between the main thread and the ledger's thread, as plain data. */

import type { RequestsQuery, StoredRequest, UsageQuery, UsageResult } from "./queries.ts";
import type { BudgetRow, UsedBefore } from "../snapshot/budget.ts";
import type { UsedQuery } from "./used.ts";
import type { Batch, Retention } from "./writer.ts";

export type ToLedger =
  | { readonly kind: "open"; readonly folder: string; readonly retention: Retention }
  | { readonly kind: "retention"; readonly retention: Retention }
  | { readonly kind: "write"; readonly batch: Batch; readonly nowMs: number }
  | { readonly kind: "usage"; readonly id: number; readonly query: UsageQuery }
  | { readonly kind: "requests"; readonly id: number; readonly query: RequestsQuery }
  | { readonly kind: "used"; readonly id: number; readonly query: UsedQuery }
  | { readonly kind: "close" };

export type FromLedger =
  | { readonly kind: "opened"; readonly budgets: KeptBudgets; readonly copy: string | undefined }
  | {
    readonly kind: "not opened";
    readonly reason: "locked" | "newer" | "unusable";
    readonly message: string;
  }
  | { readonly kind: "written" }
  | { readonly kind: "not written"; readonly message: string }
  | { readonly kind: "usage"; readonly id: number; readonly result: UsageResult }
  | { readonly kind: "requests"; readonly id: number; readonly result: readonly StoredRequest[] }
  | { readonly kind: "used"; readonly id: number; readonly result: readonly UsedBefore[] }
  | { readonly kind: "failed"; readonly id: number; readonly message: string }
  | { readonly kind: "closed" };

/** The budgets of an earlier process. */
export interface KeptBudgets {
  readonly rows: readonly BudgetRow[];
  /** The latest event with the budgets' definitions; undefined if there is none. */
  readonly definitions: string | undefined;
}

/** One end of the connection to the ledger's thread. */
export interface LedgerPort {
  send(message: ToLedger): void;
  onMessage(receive: (message: FromLedger) => void): void;
  /** Called if the thread ends unexpectedly. */
  onEnd(ended: (reason: string) => void): void;
  /** Ends the thread at once. */
  terminate(): void;
}
