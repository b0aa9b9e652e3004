/** Refuses connections early enough to keep file descriptors free for the admin listener and connections to Bedrock. */

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** File descriptor usage of the process. */
export interface Descriptors {
  /** Maximum number of open descriptors. */
  readonly limit: number;
  /** The lowest free descriptor, found in constant time; at least this many are in use. `limit` if none is free. */
  lowestFree(): number;
  /** Number in use, counted in linear time; undefined if the system does not report it. */
  count(): number | undefined;
}

/** The descriptors of this process; undefined if their limit cannot be determined. */
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

/** Asks a child process, which has the same limit: Deno 2.9.6 allows reading `/proc` only with all permissions. */
function limitOfShell(): number | undefined {
  try {
    const { execFileSync } = process.getBuiltinModule("node:child_process");
    const limit = Number(execFileSync("/bin/sh", ["-c", "ulimit -n"], { encoding: "utf8" }));
    return Number.isInteger(limit) ? limit : undefined;
  } catch {
    return undefined;
  }
}

/** Share of the descriptors to keep free, and its maximum. */
const SHARE = 1 / 4;
const MAX_RESERVE = 4096;

/** Number of descriptors to keep free. */
export function reserveOf(limit: number): number {
  return Math.min(Math.floor(limit * SHARE), MAX_RESERVE);
}

export interface DescriptorGuardOptions {
  readonly descriptors: Descriptors;
  /** Stops accepting and closes idle connections; false if only other threads accept. */
  readonly pause: () => boolean;
  /** Accepts again; throws if that is not possible yet, for example if the address is taken. */
  readonly resume: () => void;
  /** Called after each change, with the number in use. */
  readonly onChange: (isPaused: boolean, used: number, limit: number) => void;
}

/** Interval between checks; clients open fewer connections within it than are kept free. */
const INTERVAL_MS = 25;

/** Minimum length of a pause in checks: one second. */
const MIN_PAUSE_CHECKS = 40;

/** Pauses the public listeners while too few descriptors are free. */
export class DescriptorGuard {
  readonly #options: DescriptorGuardOptions;
  readonly #reserve: number;
  #isPaused = false;
  /** Checks since the pause began. */
  #checks = 0;
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

  /** Checks once. */
  check(): void {
    const { descriptors, pause, resume, onChange } = this.#options;
    const { limit } = descriptors;
    if (!this.#isPaused) {
      const used = descriptors.lowestFree();
      if (used < limit - this.#reserve || !pause()) return;
      this.#isPaused = true;
      this.#checks = 0;
      onChange(true, used, limit);
      return;
    }
    if (++this.#checks < MIN_PAUSE_CHECKS) return;
    const used = descriptors.count() ?? descriptors.lowestFree();
    // Resuming at the same threshold would pause again at once.
    if (used >= limit - 2 * this.#reserve) return;
    try {
      resume();
    } catch {
      // The next check tries again.
      return;
    }
    this.#isPaused = false;
    onChange(false, used, limit);
  }
}
