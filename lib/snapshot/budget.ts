/** Budgets: how much may be spent in a calendar window, and the state of one window. */

import { sha256Hex } from "../base/hash.ts";
import type { Path } from "../base/problems.ts";
import type { SealedSecret } from "../base/secret.ts";
import type { BudgetUnit } from "./budget_view.ts";
import type { Scope } from "./limits.ts";

export const BUDGET_EACH = ["caller", "team", "model", "none"] as const;
export const WINDOWS = ["day", "week", "month", "total"] as const;
export type BudgetWindow = (typeof WINDOWS)[number];

export const RESERVES = ["typical", "full"] as const;

/** What happens to a request for which a budget has no room: it is refused, served, or sent to another model. */
export type WhenSpent = "refuse" | "warn" | { readonly use: string };

/** One budget of `budgets`, or the `budget` of one caller. */
export interface Budget {
  /** Identifies its state across reloads and restarts. */
  readonly name: string;
  readonly path: Path;
  readonly scope: Scope;
  /** Who has a budget of its own; with `none`, all requests that match share one. */
  readonly each: (typeof BUDGET_EACH)[number];
  readonly unit: BudgetUnit;
  /** Nanodollars, tokens or requests. */
  readonly limit: number;
  readonly window: BudgetWindow;
  /** IANA name of the time zone in which windows begin. */
  readonly timeZone: string;
  /** Shares of the limit at which a warning is logged, in ascending order. */
  readonly warn: readonly number[];
  readonly whenSpent: WhenSpent;
  /** Where warnings are sent besides; undefined for nowhere. */
  readonly webhook: SealedSecret | undefined;
  /** How much is held for a request until it has ended: what is seldom exceeded, or the most that it can cost. */
  readonly reserve: (typeof RESERVES)[number];
  /** Whether a running stream ends that has used what is left. */
  readonly cutStreams: boolean;
}

/** A share of a budget that is used up; each is reported once for each window and subject. */
export interface BudgetWarning {
  readonly budget: string;
  readonly subject: string;
  /** Of the limit, in percent. */
  readonly percent: number;
  readonly unit: BudgetUnit;
  /** Amounts in the budget's unit, as they are shown. */
  readonly spent: string;
  readonly limit: string;
  /** Null for a budget without an end. */
  readonly window_end: string | null;
}

/** What decides which requests a budget counts, when, and in which unit, as a short text. */
export function definitionOf({ scope, each, unit, window, timeZone }: Budget): string {
  return sha256Hex(JSON.stringify([scope, each, unit, window, timeZone])).slice(0, 16);
}

/** What the requests of one caller for one model have used in a period, as the ledger knows it. */
export interface UsedBefore {
  readonly caller: string;
  /** Empty for none. */
  readonly team: string;
  /** A configured name, or the id that the client sent. */
  readonly model: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Those that were answered. */
  readonly requests: bigint;
  readonly tokens: bigint;
  readonly costNano: bigint;
}

/** Whether the runtime knows the name; offsets such as +01:00 have no daylight saving time and are refused. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(text)) return false;
  try {
    Temporal.Now.zonedDateTimeISO(text);
    return true;
  } catch {
    return false;
  }
}

/** The state of a budget in one window, as it is kept on disk. */
export interface BudgetRow {
  readonly name: string;
  readonly subject: string;
  readonly windowStartMs: number;
  /** Null for a window without an end. */
  readonly windowEndMs: number | null;
  /** Nanodollars, tokens or requests. */
  readonly spent: bigint;
  /** What in-flight requests hold. */
  readonly held: bigint;
  readonly requests: number;
  /** The number of warnings that have been given. */
  readonly alerted: number;
}
