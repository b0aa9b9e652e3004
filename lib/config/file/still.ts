/** Waits until changed files are complete: size, time and content have not changed for a while. */

import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { type Fingerprints, hasShrunk, isSame, readFile, RecordingReader } from "./files.ts";

export interface StillOptions {
  /** How long nothing may change. Default: 400. */
  readonly stillMs?: number;
  /** The same once a file has been shorter than it was, as when it is rewritten in pieces, or gone. Default: 1400. */
  readonly shrunkMs?: number;
  /** How often the files are checked. Default: 50. */
  readonly lookMs?: number;
  /** Default: `setTimeout`. */
  readonly pass?: (ms: number) => Promise<void>;
}

export interface Waiting extends StillOptions {
  /** The fingerprints before the change. */
  readonly known: Fingerprints;
  /** Whether the result is no longer of interest. */
  readonly isOver: () => boolean;
}

/** The fingerprints once nothing has changed for long enough; undefined if the wait ended before. */
export async function whenStill(
  paths: Iterable<string>,
  waiting: Waiting,
): Promise<Fingerprints | undefined> {
  const { known, isOver, stillMs = 400, shrunkMs = 1400, lookMs = 50, pass = passTime } = waiting;
  const keys = [...paths];
  let last = await lookAt(keys);
  let neededMs = stillMs;
  for (let quietMs = 0;; quietMs += lookMs) {
    // A file that has just been empty and is now longer than before may still be incomplete.
    if ([...known].some(([key, before]) => hasShrunk(before, last.fingerprints.get(key)))) {
      neededMs = shrunkMs;
    }
    if (quietMs >= neededMs) return last.fingerprints;
    await pass(lookMs);
    if (isOver()) return undefined;
    const next = await lookAt(keys);
    if (next.stamps !== last.stamps || !isSame(next.fingerprints, last.fingerprints)) quietMs = -lookMs;
    last = next;
  }
}

export interface Look {
  readonly fingerprints: Fingerprints;
  /** Size, time and inode of every file. */
  readonly stamps: string;
}

/** The current fingerprints, including files that match a pattern. */
export async function lookAt(keys: Iterable<string>): Promise<Look> {
  const reader = new RecordingReader(readFile);
  const stamps: string[] = [];
  const look = async (path: string) => {
    if (reader.fingerprints.has(path)) return;
    const found = await stat(path).catch(() => undefined);
    stamps.push(found === undefined ? "" : `${found.size} ${found.mtimeMs} ${found.ino}`);
    // An unreadable file has a fingerprint, too.
    await reader.read(path).catch(() => {});
  };
  for (const key of keys) {
    if (!key.endsWith("/")) await look(key);
    else for (const path of await matching(key.slice(0, -1), reader)) await look(path);
  }
  return { fingerprints: reader.fingerprints, stamps: stamps.join() };
}

async function matching(pattern: string, reader: RecordingReader): Promise<readonly string[]> {
  const names = await reader.list(pattern).catch(() => []);
  return names.filter((name) => name !== basename(pattern)).map((name) => join(dirname(pattern), name));
}

function passTime(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
