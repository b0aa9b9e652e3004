/** The state of a limit for one subject: that of a rate, or the number of in-flight requests. */

import type { Allowance } from "../../snapshot/limits.ts";
import { BUCKET_LENGTH, type Rate, RateBucket, type RateView } from "../../store/gcra.ts";
import { type Section, type Tally, within } from "../../store/store.ts";
import { Line } from "./line.ts";

/**
 * State of a rate, which survives reloads and is shared by all threads. Methods that requests use are called within
 * the section, where a request takes from all its buckets together; the others enter the section themselves.
 */
export class Bucket {
  readonly line = new Line();
  /** Units taken by in-flight requests of this thread. */
  held = 0;
  readonly #section: Section;
  readonly #units: RateBucket;
  #allowance: Allowance;
  #limitText: string;
  #depth: number;

  constructor(section: Section, { name, allowance, nowUs }: BucketOptions) {
    const rate = rateOf(allowance);
    const numbers = section.numbers(name, BUCKET_LENGTH);
    this.#section = section;
    this.#units = within(section, () => new RateBucket(numbers, rate, nowUs));
    this.#allowance = allowance;
    this.#limitText = String(allowance.limit);
    this.#depth = depthOf(rate);
  }

  get allowance(): Allowance {
    return this.#allowance;
  }

  /** The units of a period, as text for a header. */
  get limitText(): string {
    return this.#limitText;
  }

  /** Maximum number of units that can be taken at once without a debt. */
  get depth(): number {
    return this.#depth;
  }

  /** Changes the rate; units that have been taken stay taken. */
  change(allowance: Allowance, nowUs: number): void {
    if (allowance === this.#allowance) return;
    const rate = rateOf(allowance);
    within(this.#section, () => this.#units.change(rate, nowUs));
    this.#allowance = allowance;
    this.#limitText = String(allowance.limit);
    this.#depth = depthOf(rate);
  }

  /** Within the section: microseconds until the units fit, 0 if they do now; takes nothing. */
  waitUs(units: number, nowUs: number): number {
    return this.#units.waitUs(units, nowUs);
  }

  /** Within the section: takes units even if they do not fit. */
  take(units: number, nowUs: number): void {
    this.held += units;
    this.#units.take(units, nowUs);
  }

  /** Within the section: replaces the units that were taken by the number that was used. */
  settle(units: number, used: number, nowUs: number): void {
    this.held -= units;
    if (used > units) this.#units.take(used - units, nowUs);
    else if (used < units) this.#units.give(units - used, nowUs);
  }

  /** Within the section: empties the bucket for a time. */
  drain(ms: number, nowUs: number): void {
    this.#units.drain(Math.round(ms * 1000), nowUs);
  }

  /** Within the section: microseconds until the bucket is full again. */
  resetUs(nowUs: number): number {
    return this.#units.resetUs(nowUs);
  }

  /** The units left in a bucket that is full again after `resetUs`. */
  remaining(resetUs: number): number {
    return this.#units.remaining(resetUs);
  }

  view(nowUs: number): RateView {
    return within(this.#section, () => this.#units.view(nowUs));
  }

  /** Whether the state equals that of a new bucket, so that it can be forgotten. */
  isIdle(nowUs: number): boolean {
    return this.held === 0 && this.line.length === 0 &&
      within(this.#section, () => this.#units.resetUs(nowUs)) === 0;
  }
}

/** The parameters of a new bucket. */
export interface BucketOptions {
  /** The name of its numbers in the store. */
  readonly name: string;
  readonly allowance: Allowance;
  readonly nowUs: number;
}

function rateOf({ limit, periodMs, burstMs }: Allowance): Rate {
  return { unitUs: periodMs * 1000 / limit, burstUs: burstMs * 1000 };
}

function depthOf({ unitUs, burstUs }: Rate): number {
  return burstUs / unitUs;
}

/**
 * The number of in-flight requests of one subject, which survives reloads. A slot is taken and given back once, both
 * within the section.
 */
export class Slots {
  readonly line = new Line();
  readonly #section: Section;
  readonly #taken: Tally;

  constructor(section: Section, name: string) {
    this.#section = section;
    this.#taken = section.tally(name);
  }

  /** Within the section: slots taken by all threads. */
  get taken(): number {
    return this.#taken.total;
  }

  /** Within the section. */
  take(): void {
    this.#taken.take(1);
  }

  /** Within the section. */
  give(): void {
    this.#taken.give(1);
  }

  /** Slots taken by all threads. */
  get size(): number {
    return within(this.#section, () => this.#taken.total);
  }

  /** Whether nothing is taken and nobody waits, so that it can be forgotten. */
  get isIdle(): boolean {
    return this.size === 0 && this.line.length === 0;
  }
}
