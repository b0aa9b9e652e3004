/** Work that would keep everything else waiting: done one piece at a time, with the event loop free in between. */

import { setImmediate } from "node:timers";

/** Shorter bodies are handled in a few milliseconds. */
export const HEAVY_BYTES = 512 * 1024;

/** The queue of such work; one per process. */
export class HeavyWork {
  #last: Promise<void> = Promise.resolve();

  /** Runs `work` when all earlier work is done and the event loop has been free; heavy is what has a large body. */
  run<Result>(bodyBytes: number, work: () => Result | Promise<Result>): Result | Promise<Result> {
    return bodyBytes < HEAVY_BYTES ? work() : this.#inTurn(work);
  }

  async #inTurn<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    await new Promise<void>((free) => setImmediate(free));
    let result: Result | Promise<Result>;
    try {
      result = work();
    } finally {
      // What the work has only begun, such as waiting for the upstream, keeps nobody.
      resolve();
    }
    return await result;
  }
}
