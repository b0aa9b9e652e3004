/** One limit of one subject: a rate, or a number of in-flight requests. */

import type { Allowance, RateLimit } from "../../snapshot/limits.ts";
import { giveUnits, type Rate, rescale, takeUnits, viewOf } from "../../store/gcra.ts";
import type { CallSet, Cell } from "../../store/store.ts";
import { Line } from "./line.ts";

export const WHATS = ["concurrent", "requests", "tokens"] as const;

/** What a gate limits, in the order in which gates are tried. */
export type What = (typeof WHATS)[number];

/** State of a rate, which survives reloads. */
export class Bucket {
  readonly line = new Line();
  /** Units taken by requests that are in flight. */
  held = 0;
  readonly #cell: Cell;
  #rate: Rate;
  #allowance: Allowance;

  constructor(cell: Cell, allowance: Allowance) {
    this.#cell = cell;
    this.#allowance = allowance;
    this.#rate = rateOf(allowance);
  }

  get allowance(): Allowance {
    return this.#allowance;
  }

  /** Changes the rate; what has been taken stays taken, in units. */
  change(allowance: Allowance, nowUs: number): void {
    if (allowance === this.#allowance) return;
    const rate = rateOf(allowance);
    if (rate.unitUs !== this.#rate.unitUs) rescale(this.#cell, { from: this.#rate, to: rate, nowUs });
    this.#rate = rate;
    this.#allowance = allowance;
  }

  /** Takes units; returns 0, or the microseconds until they will fit. */
  take(units: number, nowUs: number): number {
    const waitUs = takeUnits(this.#cell, this.#rate, units, nowUs);
    if (waitUs === 0) this.held += units;
    return waitUs;
  }

  /** Takes units even if they do not fit. */
  owe(units: number, nowUs: number): void {
    this.held += units;
    giveUnits(this.#cell, this.#rate, -units, nowUs);
  }

  /** Empties the bucket for a time. */
  drain(ms: number, nowUs: number): void {
    const until = nowUs + this.#rate.burstUs + Math.round(ms * 1000);
    for (let known = this.#cell.load(); known < until && !this.#cell.swap(known, until);) {
      known = this.#cell.load();
    }
  }

  /** Replaces units that were taken by those that were used. */
  settle(units: number, { used, nowUs }: { readonly used: number; readonly nowUs: number }): void {
    this.held -= units;
    giveUnits(this.#cell, this.#rate, units - used, nowUs);
    if (used < units) this.line.wake();
  }

  /** Microseconds until units will fit, without taking them. */
  waitUs(units: number, nowUs: number): number {
    const start = this.#cell.load() - nowUs;
    if (start <= 0) return 0;
    return Math.max(0, Math.min(start + Math.round(units * this.#rate.unitUs) - this.#rate.burstUs, start));
  }

  view(nowUs: number): { readonly limit: number; readonly remaining: number; readonly resetUs: number } {
    return { limit: this.#allowance.limit, ...viewOf(this.#cell, this.#rate, nowUs) };
  }

  /** The most units that can be taken at once without a debt. */
  get depth(): number {
    return this.#rate.burstUs / this.#rate.unitUs;
  }

  /** Whether forgetting it would change nothing. */
  isIdle(nowUs: number): boolean {
    return this.held === 0 && this.line.length === 0 && this.#cell.load() <= nowUs;
  }
}

function rateOf({ limit, periodMs, burstMs }: Allowance): Rate {
  return { unitUs: periodMs * 1000 / limit, burstUs: burstMs * 1000 };
}

/** In-flight requests of one subject, which survive reloads. */
export class Slots {
  readonly line = new Line();
  readonly #calls: CallSet;

  constructor(calls: CallSet) {
    this.#calls = calls;
  }

  get size(): number {
    return this.#calls.size;
  }

  take(id: string, max: number): boolean {
    return this.#calls.add(id, max);
  }

  release(id: string): void {
    this.#calls.delete(id);
    this.line.wake();
  }

  get isIdle(): boolean {
    return this.#calls.size === 0 && this.line.length === 0;
  }
}

/** A rule's limit, bound to the state of its subject. */
export type Gate = RateGate | SlotGate;

interface GateParts {
  readonly rule: RateLimit;
  readonly counts: RuleCounts;
  /** Position in `WHATS`. */
  readonly what: What;
}

export interface RateGate extends GateParts {
  readonly what: "requests" | "tokens";
  readonly state: Bucket;
}

export interface SlotGate extends GateParts {
  readonly what: "concurrent";
  readonly max: number;
  readonly state: Slots;
}

/** What a rule has done since the start of the process. */
export interface RuleCounts {
  refused: number;
  /** Requests that would have been refused in the mode `enforce`. */
  wouldRefuse: number;
}

/** How long to wait for a request in flight to end, in microseconds: nobody knows. */
const SLOT_WAIT_US = 1_000_000;

/** Takes what a request needs; returns 0, or the microseconds after which to try again. */
export function takeFrom(gate: Gate, { id, units, nowUs }: Need): number {
  if (gate.rule.waitMs > 0 && gate.state.line.blocks(id)) {
    return Math.max(1, waitFor(gate, { id, units, nowUs }));
  }
  if (gate.what !== "concurrent") return gate.state.take(units, nowUs);
  return gate.state.take(id, gate.max) ? 0 : SLOT_WAIT_US;
}

/** The same without taking anything. */
export function waitFor(gate: Gate, { units, nowUs }: Need): number {
  if (gate.what !== "concurrent") return gate.state.waitUs(units, nowUs);
  return gate.state.size < gate.max ? 0 : SLOT_WAIT_US;
}

/** What a request needs of a gate. */
export interface Need {
  readonly id: string;
  /** Requests or tokens. */
  readonly units: number;
  readonly nowUs: number;
}
