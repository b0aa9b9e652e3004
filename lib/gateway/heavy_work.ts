/** Work that blocks the event loop for long: one piece at a time, and other events are handled in between. */

import { setImmediate } from "node:timers";

/** Shorter bodies are handled in a few milliseconds. */
export const HEAVY_BYTES = 512 * 1024;

/** Whether work on a body of this size has to wait for its turn. */
export function isHeavy(bodyBytes: number): boolean {
  return bodyBytes >= HEAVY_BYTES;
}

/** The queue of such work; one per thread. */
export class HeavyWork {
  #last: Promise<void> = Promise.resolve();

  /** Runs `work`, after waiting for its turn if the body is large. */
  run<Result>(bodyBytes: number, work: () => Result | Promise<Result>): Result | Promise<Result> {
    return isHeavy(bodyBytes) ? this.#inTurn(work) : work();
  }

  async #inTurn<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    await before;
    await new Promise<void>((free) => setImmediate(free));
    let result: Result | Promise<Result>;
    try {
      result = work();
    } finally {
      // The asynchronous rest of the work, such as waiting for the upstream, blocks nothing.
      turn.resolve();
    }
    return await result;
  }
}
