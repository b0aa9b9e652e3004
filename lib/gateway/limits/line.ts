/** Requests that wait for one limit, first come, first served. */

import type { TimerWheel } from "../../base/clock.ts";

/** Maximum number of requests that wait for one limit of one subject. */
const MAX_WAITING = 64;

/** A request in the line. */
interface Place {
  readonly id: string;
  /** Ends the current pause. */
  wake: () => void;
}

/** Only the first request in the line may try; it leaves when it has succeeded or given up. */
export class Line {
  readonly #places: Place[] = [];

  get length(): number {
    return this.#places.length;
  }

  /** Whether another request is to be served before this one. */
  blocks(id: string): boolean {
    const [first] = this.#places;
    return first !== undefined && first.id !== id;
  }

  /** Joins the end of the line. Returns whether there was room. */
  enter(id: string): boolean {
    if (this.#places.length >= MAX_WAITING) return false;
    this.#places.push({ id, wake: () => {} });
    return true;
  }

  /** Leaves the line from any place, and wakes the next request if it was the first. */
  leave(id: string): void {
    const index = this.#places.findIndex((place) => place.id === id);
    if (index === -1) return;
    this.#places.splice(index, 1);
    if (index === 0) this.wake();
  }

  /** Lets the first request try again early. */
  wake(): void {
    this.#places[0]?.wake();
  }

  /** Resolves after the time, or when woken; rejects with the reason if the signal aborts. */
  pause(id: string, { ms, ended, timers }: PauseOptions): Promise<void> {
    const place = this.#places.find((each) => each.id === id);
    if (place === undefined || ended.aborted) {
      return ended.aborted ? Promise.reject(ended.reason) : Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => () => {
        deadline.cancel();
        ended.removeEventListener("abort", onEnd);
        place.wake = () => {};
        settle();
      };
      const onEnd = finish(() => reject(ended.reason));
      const deadline = timers.after(ms, finish(resolve));
      place.wake = finish(resolve);
      ended.addEventListener("abort", onEnd, { once: true });
    });
  }
}

export interface PauseOptions {
  readonly ms: number;
  readonly ended: AbortSignal;
  readonly timers: TimerWheel;
}
