/** Work that blocks the event loop for long: one piece at a time, and other events are handled in between. */

import { setImmediate } from "node:timers";

/** Shorter bodies are handled in a few milliseconds. */
export const HEAVY_BYTES = 512 * 1024;

/** Whether work on a body of this size has to wait for its turn. */
export function isHeavy(bodyBytes: number): boolean {
  return bodyBytes >= HEAVY_BYTES;
}

/** Permission to block the event loop, until it ends. */
export interface HeavyTurn {
  end(): void;
}

/** The queue of such work; one per thread. */
export class HeavyWork {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when all earlier work is done and other events have been handled. */
  async turn(): Promise<HeavyTurn> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    await new Promise<void>((free) => setImmediate(free));
    return { end: resolve };
  }

  /** Runs `work`, after waiting for its turn if the body is large. */
  run<Result>(bodyBytes: number, work: () => Result | Promise<Result>): Result | Promise<Result> {
    return isHeavy(bodyBytes) ? this.#inTurn(work) : work();
  }

  async #inTurn<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const turn = await this.turn();
    let result: Result | Promise<Result>;
    try {
      result = work();
    } finally {
      // The asynchronous rest of the work, such as waiting for the upstream, blocks nothing.
      turn.end();
    }
    return await result;
  }
}
