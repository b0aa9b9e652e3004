/**
 * Rates by the generic cell rate algorithm. A bucket is one number, the theoretical arrival time: the time at which
 * everything taken so far will have been earned. No timer refills it, and no window has an edge.
 */

import type { Cell } from "./store.ts";

/** A rate as the time that one unit takes to be earned, and how far ahead of time units may be taken. */
export interface Rate {
  /** Microseconds. */
  readonly unitUs: number;
  /** Microseconds. */
  readonly burstUs: number;
}

/** What is left of a bucket. */
export interface RateView {
  /** Whole units that could be taken now. */
  readonly remaining: number;
  /** Microseconds until the bucket is full again. */
  readonly resetUs: number;
}

/**
 * Takes units if they fit, and returns 0; otherwise takes nothing and returns the microseconds until they will fit. More
 * units than the bucket can ever hold fit when it is full, and leave a debt.
 */
export function takeUnits(cell: Cell, { unitUs, burstUs }: Rate, units: number, nowUs: number): number {
  const cost = Math.round(units * unitUs);
  for (;;) {
    const arrival = cell.load();
    const start = Math.max(arrival, nowUs);
    const waitUs = Math.min(start + cost - burstUs, start) - nowUs;
    if (waitUs > 0) return waitUs;
    if (cell.swap(arrival, start + cost)) return 0;
  }
}

/** Gives units back, or takes more where they are negative; debt is allowed. */
export function giveUnits(cell: Cell, { unitUs }: Rate, units: number, nowUs: number): void {
  const value = Math.round(units * unitUs);
  for (;;) {
    const arrival = cell.load();
    // What a full bucket gets back is lost, and what it loses it owes from now on.
    const next = value >= 0
      ? Math.max(Math.min(arrival, nowUs), arrival - value)
      : Math.max(arrival, nowUs) - value;
    if (next === arrival || cell.swap(arrival, next)) return;
  }
}

/** What is left now. */
export function viewOf(cell: Cell, { unitUs, burstUs }: Rate, nowUs: number): RateView {
  const resetUs = Math.max(0, cell.load() - nowUs);
  return { remaining: Math.max(0, Math.floor((burstUs - resetUs) / unitUs + 1e-9)), resetUs };
}

/** Keeps the number of units that are taken when the rate changes. */
export function rescale(
  cell: Cell,
  { from, to, nowUs }: { readonly from: Rate; readonly to: Rate; readonly nowUs: number },
): void {
  for (;;) {
    const arrival = cell.load();
    if (arrival <= nowUs) return;
    if (cell.swap(arrival, Math.round(nowUs + (arrival - nowUs) * to.unitUs / from.unitUs))) return;
  }
}
