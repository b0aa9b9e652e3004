/**
 * Rates by the generic cell rate algorithm. A bucket is one number, the theoretical arrival time: the time at which
 * everything taken so far will have been earned. There is no timer that refills it, and no window with an edge.
 */

/** A rate: the time in which one unit is earned, and how far ahead of that time units may be taken. */
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

/** A time of the monotonic clock in the unit of buckets. */
export function microseconds(ms: number): number {
  return Math.floor(ms * 1000);
}

/** How many numbers a bucket needs. */
export const BUCKET_LENGTH = 2;

/** The numbers of a bucket: its arrival time in microseconds, and the `unitUs` by which that was computed. */
const ARRIVAL = 0;
const UNIT = 1;

/** A bucket in numbers that nobody else uses during its methods. */
export class RateBucket {
  readonly #numbers: Float64Array;
  #rate: Rate;

  /** If the numbers are 0, the bucket is full. */
  constructor(numbers: Float64Array, rate: Rate, nowUs: number) {
    this.#numbers = numbers;
    this.#rate = rate;
    this.#count(nowUs);
  }

  /** Changes the rate; units that have been taken stay taken. */
  change(rate: Rate, nowUs: number): void {
    this.#rate = rate;
    this.#count(nowUs);
  }

  /** Converts the arrival time to the current rate; the first thread with a new rate does it for all. */
  #count(nowUs: number): void {
    const { unitUs } = this.#rate;
    const known = this.#numbers[UNIT] ?? 0;
    if (known === unitUs) return;
    this.#numbers[UNIT] = unitUs;
    const aheadUs = this.#arrivalUs - nowUs;
    if (known > 0 && aheadUs > 0) this.#arrivalUs = Math.round(nowUs + aheadUs * unitUs / known);
  }

  /**
   * Microseconds until units fit; 0 if they do now. More units than the bucket can ever hold fit when it is full, and
   * leave a debt.
   */
  waitUs(units: number, nowUs: number): number {
    const aheadUs = this.#arrivalUs - nowUs;
    if (aheadUs <= 0) return 0;
    const { unitUs, burstUs } = this.#rate;
    return Math.max(0, Math.min(aheadUs + Math.round(units * unitUs) - burstUs, aheadUs));
  }

  /** Takes units; if they do not fit, they leave a debt. */
  take(units: number, nowUs: number): void {
    this.#arrivalUs = Math.max(this.#arrivalUs, nowUs) + Math.round(units * this.#rate.unitUs);
  }

  /** Gives units back. */
  give(units: number, nowUs: number): void {
    // A full bucket gets nothing back.
    const arrivalUs = this.#arrivalUs;
    const earlierUs = arrivalUs - Math.round(units * this.#rate.unitUs);
    this.#arrivalUs = Math.max(Math.min(arrivalUs, nowUs), earlierUs);
  }

  /** Empties the bucket for a time. */
  drain(us: number, nowUs: number): void {
    this.#arrivalUs = Math.max(this.#arrivalUs, nowUs + this.#rate.burstUs + us);
  }

  /** Microseconds until the bucket is full again. */
  resetUs(nowUs: number): number {
    return Math.max(0, this.#arrivalUs - nowUs);
  }

  /** Whole units left in a bucket that is full again after `resetUs`. */
  remaining(resetUs: number): number {
    const { unitUs, burstUs } = this.#rate;
    return Math.max(0, Math.floor((burstUs - resetUs) / unitUs + 1e-9));
  }

  /** What is left now. */
  view(nowUs: number): RateView {
    const resetUs = this.resetUs(nowUs);
    return { remaining: this.remaining(resetUs), resetUs };
  }

  get #arrivalUs(): number {
    return this.#numbers[ARRIVAL] ?? 0;
  }

  set #arrivalUs(us: number) {
    this.#numbers[ARRIVAL] = us;
  }
}
