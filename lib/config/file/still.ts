/** Waits until changed files are complete: until size, times and content have not changed for a while. */

import { systemClock } from "../../base/clock.ts";
import { type Fingerprints, hasShrunk, isSame } from "./files.ts";
import { Looks } from "./looks.ts";

export interface StillOptions {
  /** Time without a change after which files are complete. Default: 400. */
  readonly stillMs?: number;
  /** The same, if a file was missing or shorter than before, as while it is rewritten in pieces. Default: 1400. */
  readonly shrunkMs?: number;
  /** How often the files are checked. Default: 50. */
  readonly lookMs?: number;
  /** Default: `setTimeout`. */
  readonly pass?: (ms: number) => Promise<void>;
}

export interface Waiting extends StillOptions {
  /** Default: a new instance, which knows no file. */
  readonly looks?: Looks;
  /** The fingerprints before the change. */
  readonly known: Fingerprints;
  /** Whether the result is no longer needed. */
  readonly isOver: () => boolean;
}

/** The fingerprints when nothing has changed for long enough; undefined if the wait ended earlier. */
export async function whenStill(
  paths: Iterable<string>,
  waiting: Waiting,
): Promise<Fingerprints | undefined> {
  const { known, isOver, stillMs = 400, shrunkMs = 1400, lookMs = 50, pass = passTime } = waiting;
  const { looks = new Looks(systemClock.now) } = waiting;
  const keys = [...paths];
  let last = await looks.at(keys);
  let neededMs = stillMs;
  for (let quietMs = 0;; quietMs += lookMs) {
    // A file that was empty a moment ago and is now longer than before may still be incomplete.
    if ([...known].some(([key, before]) => hasShrunk(before, last.fingerprints.get(key)))) {
      neededMs = shrunkMs;
    }
    if (quietMs >= neededMs) return last.fingerprints;
    await pass(lookMs);
    if (isOver()) return undefined;
    const next = await looks.at(keys);
    if (next.stamps !== last.stamps || !isSame(next.fingerprints, last.fingerprints)) quietMs = -lookMs;
    last = next;
  }
}

function passTime(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
