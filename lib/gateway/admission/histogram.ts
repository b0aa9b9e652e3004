/** The distribution of recent token counts, for a percentile. */

const BUCKETS = 24;
/** Number of samples after which all counts are halved. */
const HALVE_AT = 1000;
/** Minimum number of samples for a meaningful percentile. */
const MIN_SAMPLES = 20;

/** Buckets of doubling width, in which old samples lose weight. */
export class Histogram {
  readonly #counts = new Array<number>(BUCKETS).fill(0);
  #total = 0;

  add(value: number): void {
    // Bucket n holds values of up to 2^n.
    const bucket = value <= 1 ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log2(value)));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total++;
    if (this.#total >= HALVE_AT) this.#halve();
  }

  /** The upper bound of the bucket with the 95th percentile; undefined with too few samples. */
  percentile95(): number | undefined {
    if (this.#total < MIN_SAMPLES) return undefined;
    let left = this.#total * 0.95;
    const bucket = this.#counts.findIndex((count) => (left -= count) <= 0);
    return 2 ** bucket;
  }

  #halve(): void {
    for (const [bucket, count] of this.#counts.entries()) this.#counts[bucket] = count >> 1;
    this.#total = this.#counts.reduce((sum, count) => sum + count, 0);
  }
}
