/** Keeps file descriptors free for the admin listener and for connections to Bedrock, by refusing connections in time. */

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** What the process uses of its descriptors. */
export interface Descriptors {
  /** How many it may have open. */
  readonly limit: number;
  /** The lowest number that is free, found in constant time; at least as many are in use. `limit` if none is free. */
  lowestFree(): number;
  /** How many are in use, found in time proportional to that; undefined if the system does not show it. */
  count(): number | undefined;
}

/** Those of this process; undefined if its limit cannot be found out. */
export function processDescriptors(): Descriptors | undefined {
  const limit = limitOf(readIfThere("/proc/self/limits")) ?? limitOfShell();
  if (limit === undefined) return undefined;
  return {
    limit,
    lowestFree() {
      try {
        // POSIX: the lowest-numbered descriptor that is not open.
        const descriptor = openSync("/dev/null", "r");
        closeSync(descriptor);
        return descriptor;
      } catch {
        return limit;
      }
    },
    count() {
      try {
        return readdirSync("/proc/self/fd").length;
      } catch {
        return undefined;
      }
    },
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The soft limit in `/proc/self/limits`, proc_pid_limits(5). */
export function limitOf(limits: string): number | undefined {
  const [, soft] = /^Max open files +(\d+)/m.exec(limits) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** A child process has the same limit; Deno 2.9.6 lets no program read `/proc` unless it may do everything. */
function limitOfShell(): number | undefined {
  try {
    const { execFileSync } = process.getBuiltinModule("node:child_process");
    const limit = Number(execFileSync("/bin/sh", ["-c", "ulimit -n"], { encoding: "utf8" }));
    return Number.isInteger(limit) ? limit : undefined;
  } catch {
    return undefined;
  }
}

/** The part of the descriptors that is kept free, and its limits. */
const SHARE = 1 / 4;
const MAX_RESERVE = 4096;

/** How many descriptors are kept free. */
export function reserveOf(limit: number): number {
  return Math.min(Math.floor(limit * SHARE), MAX_RESERVE);
}

export interface DescriptorGuardOptions {
  readonly descriptors: Descriptors;
  /** Stops accepting, and closes idle connections; false if only other threads accept. */
  readonly pause: () => boolean;
  /** Accepts again; throws if that is not possible yet. */
  readonly resume: () => void;
  /** Called after each change, with what is in use. */
  readonly onChange: (isPaused: boolean, used: number, limit: number) => void;
}

/** How often it looks: within this time, clients open fewer connections than are kept free. */
const INTERVAL_MS = 25;

/** A pause lasts at least a second. */
const MIN_PAUSE_LOOKS = 40;

/** Pauses the public listeners while fewer descriptors are free than are kept. */
export class DescriptorGuard {
  readonly #options: DescriptorGuardOptions;
  readonly #reserve: number;
  #isPaused = false;
  /** Since the pause began. */
  #looks = 0;
  #interval: ReturnType<typeof setInterval> | undefined;

  constructor(options: DescriptorGuardOptions) {
    this.#options = options;
    this.#reserve = reserveOf(options.descriptors.limit);
  }

  start(): void {
    this.#interval = setInterval(() => this.check(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#interval);
  }

  /** Looks once. */
  check(): void {
    const { descriptors, pause, resume, onChange } = this.#options;
    const { limit } = descriptors;
    if (!this.#isPaused) {
      const used = descriptors.lowestFree();
      if (used < limit - this.#reserve || !pause()) return;
      this.#isPaused = true;
      this.#looks = 0;
      onChange(true, used, limit);
      return;
    }
    if (++this.#looks < MIN_PAUSE_LOOKS) return;
    const used = descriptors.count() ?? descriptors.lowestFree();
    // Not at the first that is free, or it would pause again at once.
    if (used >= limit - 2 * this.#reserve) return;
    try {
      resume();
    } catch {
      // Such as an address that somebody else has taken: it is tried again.
      return;
    }
    this.#isPaused = false;
    onChange(false, used, limit);
  }
}
