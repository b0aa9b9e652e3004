/** Work that would keep everything else waiting: done one piece at a time, with the event loop free in between. */

import { setImmediate } from "node:timers";

/** Shorter bodies are handled in a few milliseconds. */
export const HEAVY_BYTES = 512 * 1024;

/** Whether work on a body of this size is done in its turn. */
export function isHeavy(bodyBytes: number): boolean {
  return bodyBytes >= HEAVY_BYTES;
}

/** The right to keep everything else waiting, until it ends. */
export interface HeavyTurn {
  end(): void;
}

/** The queue of such work; one per process. */
export class HeavyWork {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when all earlier work is done and the event loop has been free. */
  async turn(): Promise<HeavyTurn> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    await new Promise<void>((free) => setImmediate(free));
    return { end: resolve };
  }

  /** Runs `work`, in its turn if the body is large. */
  run<Result>(bodyBytes: number, work: () => Result | Promise<Result>): Result | Promise<Result> {
    return isHeavy(bodyBytes) ? this.#inTurn(work) : work();
  }

  async #inTurn<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const turn = await this.turn();
    let result: Result | Promise<Result>;
    try {
      result = work();
    } finally {
      // What the work has only begun, such as waiting for the upstream, keeps nobody.
      turn.end();
    }
    return await result;
  }
}
