/** Waits for the end of a turn of the event loop, so that what arrives in one turn is done together. */

import { setImmediate } from "node:timers";

/** The end of the current turn; undefined if nobody waits for it. */
let end: Promise<void> | undefined;

/** Resolves, for all who ask in a turn of the event loop, when everything that has arrived in it is handled. */
export function endOfTurn(): Promise<void> {
  return end ??= new Promise((resolve) =>
    setImmediate(() => {
      end = undefined;
      resolve();
    })
  );
}
