/** Budgets: the definition of one, and the stored state of one window. */

import { sha256Hex } from "../base/hash.ts";
import type { Path } from "../base/problems.ts";
import type { SealedSecret } from "../base/secret.ts";
import type { BudgetUnit } from "./budget_view.ts";
import type { Scope } from "./limits.ts";

export const BUDGET_EACH = ["caller", "team", "model", "none"] as const;
export const WINDOWS = ["day", "week", "month", "total"] as const;
export type BudgetWindow = (typeof WINDOWS)[number];

export const RESERVES = ["typical", "full"] as const;

/** What to do with a request for which too little is left: refuse it, serve it, or send it to another model. */
export type WhenSpent = "refuse" | "warn" | { readonly use: string };

/** One budget of `budgets`, or the `budget` of one caller. */
export interface Budget {
  /** Identifies its state across reloads and restarts. */
  readonly name: string;
  readonly path: Path;
  readonly scope: Scope;
  /** Who gets a separate budget; with `none`, all matching requests share one. */
  readonly each: (typeof BUDGET_EACH)[number];
  readonly unit: BudgetUnit;
  /** Nanodollars, tokens or requests. */
  readonly limit: number;
  readonly window: BudgetWindow;
  /** IANA name of the time zone by which windows begin. */
  readonly timeZone: string;
  /** Shares of the limit at which a warning is logged, in ascending order. */
  readonly warn: readonly number[];
  readonly whenSpent: WhenSpent;
  /** URL to which warnings are also sent; undefined for none. */
  readonly webhook: SealedSecret | undefined;
  /** How much a request holds until it has ended: an amount that few requests exceed, or the most that it can use. */
  readonly reserve: (typeof RESERVES)[number];
  /** Whether a stream is ended once it has used what is left. */
  readonly cutStreams: boolean;
}

/** A warning that a share of a budget is used up, given once for each window and subject. */
export interface BudgetWarning {
  readonly budget: string;
  readonly subject: string;
  /** The share, as a percentage of the limit. */
  readonly percent: number;
  readonly unit: BudgetUnit;
  /** Amounts in the budget's unit, as text. */
  readonly spent: string;
  readonly limit: string;
  /** Null for a budget without an end. */
  readonly window_end: string | null;
}

/** A short text that changes with the requests that a budget counts, its window or its unit. */
export function definitionOf({ scope, each, unit, window, timeZone }: Budget): string {
  return sha256Hex(JSON.stringify([scope, each, unit, window, timeZone])).slice(0, 16);
}

/** What the requests of one caller for one model have used in a period, by the ledger. */
export interface UsedBefore {
  readonly caller: string;
  /** Empty for none. */
  readonly team: string;
  /** A configured name, or the id that the client sent. */
  readonly model: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Number of successful requests. */
  readonly requests: bigint;
  readonly tokens: bigint;
  readonly costNano: bigint;
}

/** Whether the runtime knows this time zone. Offsets such as +01:00, without daylight saving time, are refused. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(text)) return false;
  try {
    Temporal.Now.zonedDateTimeISO(text);
    return true;
  } catch {
    return false;
  }
}

/** The state of a budget in one window, as stored on disk. */
export interface BudgetRow {
  readonly name: string;
  readonly subject: string;
  readonly windowStartMs: number;
  /** Null for a window without an end. */
  readonly windowEndMs: number | null;
  /** Nanodollars, tokens or requests. */
  readonly spent: bigint;
  /** The amount that in-flight requests hold. */
  readonly held: bigint;
  readonly requests: number;
  /** Number of warnings that have been given. */
  readonly alerted: number;
}
