/** Measures event loop delay. */

import type { Clock } from "../base/clock.ts";

const INTERVAL_MS = 500;
/** Half a minute of samples, so that a scraper with an interval of 15 seconds misses none. */
const SAMPLES = 60;

/** Compares the time at which a timer fires with the time at which it was due. */
export class LoopLag {
  readonly #clock: Clock;
  readonly #samples: number[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Longest delay of the last half minute, in milliseconds. */
  get maxMs(): number {
    return Math.max(0, ...this.#samples);
  }

  start(): void {
    let dueMs = this.#clock.monotonic() + INTERVAL_MS;
    this.#timer = setInterval(() => {
      const nowMs = this.#clock.monotonic();
      this.#samples.push(Math.max(0, nowMs - dueMs));
      if (this.#samples.length > SAMPLES) this.#samples.shift();
      dueMs = nowMs + INTERVAL_MS;
    }, INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
