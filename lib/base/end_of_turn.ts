/** Waits for the end of a turn of the event loop, so that work that arrives within one turn can be batched. */

import { setImmediate } from "node:timers";

/** Resolves at the end of the current turn; undefined if nobody waits for it. */
let end: Promise<void> | undefined;

/**
 * Resolves, once for all callers within a turn of the event loop, when everything that arrived in it has been handled.
 */
export function endOfTurn(): Promise<void> {
  return end ??= new Promise((resolve) =>
    setImmediate(() => {
      end = undefined;
      resolve();
    })
  );
}
