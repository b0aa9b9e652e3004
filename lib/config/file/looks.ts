/** Repeatedly fingerprints files, and only reads those that have changed. */

import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { type Fingerprints, type ReadFile, readFile, RecordingReader } from "./files.ts";

export interface Look {
  readonly fingerprints: Fingerprints;
  /** Size, times and inode of every file. */
  readonly stamps: string;
}

/** The state of a file when it was read. */
interface Seen {
  readonly stamp: string;
  readonly fingerprint: string;
}

/** A file that changed this recently may change again with the same time stamp: some file systems count seconds. */
const SETTLED_MS = 3_000;

/** Remembers the fingerprint of each file until its size, times or inode change. */
export class Looks {
  readonly #nowMs: () => number;
  readonly #read: ReadFile;
  #seen: ReadonlyMap<string, Seen> = new Map();

  constructor(nowMs: () => number, read: ReadFile = readFile) {
    this.#nowMs = nowMs;
    this.#read = read;
  }

  /** The current fingerprints, including files that match a pattern. */
  async at(keys: Iterable<string>): Promise<Look> {
    const reader = new RecordingReader(this.#read);
    const fingerprints = new Map<string, string>();
    const seen = new Map<string, Seen>();
    const stamps: string[] = [];
    const look = async (path: string) => {
      if (fingerprints.has(path)) return;
      const { stamp, isSettled } = await this.#stampOf(path);
      stamps.push(stamp);
      const before = this.#seen.get(path);
      let fingerprint = before?.stamp === stamp ? before.fingerprint : undefined;
      if (fingerprint === undefined) {
        // An unreadable file also has a fingerprint: the error.
        await reader.read(path).catch(() => {});
        fingerprint = reader.fingerprints.get(path) ?? "";
      }
      fingerprints.set(path, fingerprint);
      if (isSettled) seen.set(path, { stamp, fingerprint });
    };
    for (const key of keys) {
      if (!key.endsWith("/")) await look(key);
      else {
        for (const path of await matching(key.slice(0, -1), reader)) await look(path);
        fingerprints.set(key, reader.fingerprints.get(key) ?? "");
      }
    }
    this.#seen = seen;
    return { fingerprints, stamps: stamps.join() };
  }

  async #stampOf(path: string): Promise<{ readonly stamp: string; readonly isSettled: boolean }> {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return { stamp: "", isSettled: false };
    const { size, mtimeMs, ctimeMs, ino } = found;
    const ageMs = this.#nowMs() - Math.max(mtimeMs, ctimeMs);
    // If the time is in the future, the age is negative and the file counts as recently changed.
    return { stamp: `${size} ${mtimeMs} ${ctimeMs} ${ino}`, isSettled: ageMs > SETTLED_MS };
  }
}

async function matching(pattern: string, reader: RecordingReader): Promise<readonly string[]> {
  const names = await reader.list(pattern).catch(() => []);
  return names.filter((name) => name !== basename(pattern)).map((name) => join(dirname(pattern), name));
}
