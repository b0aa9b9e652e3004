/** One limit of one subject: a rate, or a number of in-flight requests. */

import type { Allowance, RateLimit } from "../../snapshot/limits.ts";
import { giveUnits, type Rate, rescale, takeUnits, viewOf } from "../../store/gcra.ts";
import { addTo, type CallSet, type Cell, type Store, type Tally } from "../../store/store.ts";
import { Line } from "./line.ts";

export const WHATS = ["concurrent", "requests", "tokens"] as const;

/** What a gate limits, in the order in which gates are tried. */
export type What = (typeof WHATS)[number];

/** State of a rate, which survives reloads and which all threads share. */
export class Bucket {
  readonly line = new Line();
  /** Units taken by requests of this thread that are in flight. */
  held = 0;
  readonly #cell: Cell;
  /** The rate in whose time units are counted. */
  readonly #unit: Cell;
  readonly #allHeld: Tally;
  #rate: Rate;
  #allowance: Allowance;

  constructor(store: Store, { name, allowance, allHeld, nowUs }: BucketOptions) {
    this.#cell = store.cell(name);
    this.#unit = store.cell(unitName(name));
    this.#allHeld = allHeld;
    this.#allowance = allowance;
    this.#rate = rateOf(allowance);
    this.#count(nowUs);
  }

  get allowance(): Allowance {
    return this.#allowance;
  }

  /** Changes the rate; what has been taken stays taken, in units. */
  change(allowance: Allowance, nowUs: number): void {
    if (allowance === this.#allowance) return;
    this.#allowance = allowance;
    this.#rate = rateOf(allowance);
    this.#count(nowUs);
  }

  /** Counts in the time of the current rate; the first of the threads that changes it converts what has been taken. */
  #count(nowUs: number): void {
    const known = this.#unit.load();
    const unit = Math.round(this.#rate.unitUs * UNIT_PRECISION);
    if (known === unit || !this.#unit.swap(known, unit) || known === 0) return;
    rescale(this.#cell, { from: { ...this.#rate, unitUs: known / UNIT_PRECISION }, to: this.#rate, nowUs });
  }

  /** Takes units; returns 0, or the microseconds until they will fit. */
  take(units: number, nowUs: number): number {
    const waitUs = takeUnits(this.#cell, this.#rate, units, nowUs);
    if (waitUs === 0) this.#hold(units);
    return waitUs;
  }

  /** Takes units even if they do not fit. */
  owe(units: number, nowUs: number): void {
    this.#hold(units);
    giveUnits(this.#cell, this.#rate, -units, nowUs);
  }

  #hold(units: number): void {
    this.held += units;
    this.#allHeld.take(units);
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
    this.#allHeld.give(units);
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

/** What a bucket is made with. */
export interface BucketOptions {
  readonly name: string;
  readonly allowance: Allowance;
  /** Where what is held of all buckets is added up. */
  readonly allHeld: Tally;
  readonly nowUs: number;
}

/** Forgets the state of the bucket with this name. */
export function forgetBucket(store: Store, name: string): void {
  store.forget(name);
  store.forget(unitName(name));
}

function unitName(name: string): string {
  return `${name} unit`;
}

/** Parts of a microsecond to which the unit of a rate is kept, as an integer. */
const UNIT_PRECISION = 10_000;

function rateOf({ limit, periodMs, burstMs }: Allowance): Rate {
  return { unitUs: periodMs * 1000 / limit, burstUs: burstMs * 1000 };
}

/** In-flight requests of one subject, which survive reloads. */
export class Slots {
  readonly line = new Line();
  readonly #calls: CallSet;
  readonly #allHeld: Tally;

  constructor(calls: CallSet, allHeld: Tally) {
    this.#calls = calls;
    this.#allHeld = allHeld;
  }

  get size(): number {
    return this.#calls.size;
  }

  take(id: string, max: number): boolean {
    const isTaken = this.#calls.add(id, max);
    if (isTaken) this.#allHeld.take(1);
    return isTaken;
  }

  release(id: string): void {
    if (this.#calls.delete(id)) this.#allHeld.give(1);
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
export class RuleCounts {
  readonly #refused: Cell;
  readonly #wouldRefuse: Cell;

  constructor(store: Store, rule: string) {
    this.#refused = store.cell(`limits refused ${rule}`);
    this.#wouldRefuse = store.cell(`limits would refuse ${rule}`);
  }

  get refused(): number {
    return this.#refused.load();
  }

  /** Requests that would have been refused in the mode `enforce`. */
  get wouldRefuse(): number {
    return this.#wouldRefuse.load();
  }

  addRefused(): void {
    addTo(this.#refused, 1);
  }

  addWouldRefuse(): void {
    addTo(this.#wouldRefuse, 1);
  }
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
