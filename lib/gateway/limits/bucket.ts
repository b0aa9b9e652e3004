/** What limits remember of their subjects: the state of a rate, and the number of in-flight requests. */

import type { Allowance } from "../../snapshot/limits.ts";
import { BUCKET_LENGTH, type Rate, RateBucket, type RateView } from "../../store/gcra.ts";
import { type Section, type Tally, within } from "../../store/store.ts";
import { Line } from "./line.ts";

/**
 * State of a rate, which survives reloads and which all threads share. What every request asks and changes is called
 * within the section, in which all buckets of a request are taken together; everything else enters it.
 */
export class Bucket {
  readonly line = new Line();
  /** Units taken by requests of this thread that are in flight. */
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

  /** The units of a period, for a header. */
  get limitText(): string {
    return this.#limitText;
  }

  /** The most units that can be taken at once without a debt. */
  get depth(): number {
    return this.#depth;
  }

  /** Changes the rate; what has been taken stays taken, in units. */
  change(allowance: Allowance, nowUs: number): void {
    if (allowance === this.#allowance) return;
    const rate = rateOf(allowance);
    within(this.#section, () => this.#units.change(rate, nowUs));
    this.#allowance = allowance;
    this.#limitText = String(allowance.limit);
    this.#depth = depthOf(rate);
  }

  /** Within the section: microseconds until units will fit, without taking them; 0 if they do. */
  waitUs(units: number, nowUs: number): number {
    return this.#units.waitUs(units, nowUs);
  }

  /** Within the section: takes units, even if they do not fit. */
  take(units: number, nowUs: number): void {
    this.held += units;
    this.#units.take(units, nowUs);
  }

  /** Within the section: replaces units that were taken by those that were used. */
  settle(units: number, used: number, nowUs: number): void {
    this.held -= units;
    if (used > units) this.#units.take(used - units, nowUs);
    else if (used < units) this.#units.give(units - used, nowUs);
  }

  /** Within the section: empties the bucket for a time. */
  drain(ms: number, nowUs: number): void {
    this.#units.drain(Math.round(ms * 1000), nowUs);
  }

  /** Within the section: microseconds until everything can be taken again. */
  resetUs(nowUs: number): number {
    return this.#units.resetUs(nowUs);
  }

  /** The units that are left when everything can be taken again after `resetUs`. */
  remaining(resetUs: number): number {
    return this.#units.remaining(resetUs);
  }

  view(nowUs: number): RateView {
    return within(this.#section, () => this.#units.view(nowUs));
  }

  /** Whether forgetting it would change nothing. */
  isIdle(nowUs: number): boolean {
    return this.held === 0 && this.line.length === 0 &&
      within(this.#section, () => this.#units.resetUs(nowUs)) === 0;
  }
}

/** What a bucket is made with. */
export interface BucketOptions {
  /** Of its numbers in the store. */
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
 * In-flight requests of one subject, which survive reloads. Whoever takes a slot gives it back once; both happen within
 * the section.
 */
export class Slots {
  readonly line = new Line();
  readonly #section: Section;
  readonly #taken: Tally;

  constructor(section: Section, name: string) {
    this.#section = section;
    this.#taken = section.tally(name);
  }

  /** Within the section: slots taken in all threads. */
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

  /** Slots taken in all threads. */
  get size(): number {
    return within(this.#section, () => this.#taken.total);
  }

  /** Whether forgetting it would change nothing. */
  get isIdle(): boolean {
    return this.size === 0 && this.line.length === 0;
  }
}
