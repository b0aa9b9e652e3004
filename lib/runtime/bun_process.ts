/**
 * Makes a process of Bun fit to run a command. It may replace the process for that, and whatever is loaded before is
 * then loaded twice: so this file loads nothing but a table.
 */

import process from "node:process";
import { weakeningIn } from "./weakening.ts";

declare const Bun: {
  /** Path of the main module. */
  readonly main: string;
};

/** Whether the program is a binary, whose modules are in a file system of its own: `B:/~BUN/` on Windows. */
export function isCompiled(): boolean {
  return /^(?:\/\$bunfs|[A-Z]:[\\/]~BUN)[\\/]/.test(Bun.main);
}

/** Bun 1.4.4 reads this once at process start, from the environment alone; its maximum is 65535. */
const FETCH_LIMIT_VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const FETCH_LIMIT = 65_535;

/**
 * Replaces the process by itself (`process.execve`: same pid) if its environment is not fit: Bun 1.4.4 runs at most 256
 * fetches at once and silently queues the rest, and obeys variables that open the program to others. Both come from the
 * environment of the start, so the process starts again with a better one; there is no loop, because nothing is left to
 * change then.
 */
export function prepareProcess({ serve }: { readonly serve: boolean }): void {
  const weakening = weakeningIn(process.env, "bun").map(({ name }) => name);
  const needsLimit = serve && !(Number(process.env[FETCH_LIMIT_VARIABLE]) >= FETCH_LIMIT);
  if (weakening.length === 0 && !needsLimit) return;
  const [, script, ...args] = process.argv;
  // In a compiled program, these are the options that BUN_OPTIONS gave.
  const program = isCompiled() || script === undefined ? [] : [...process.execArgv, script];
  const kept = Object.entries(process.env).filter(([name]) => !weakening.includes(name));
  process.execve?.(process.execPath, [process.execPath, ...program, ...args], {
    ...Object.fromEntries(kept),
    ...(serve ? { [FETCH_LIMIT_VARIABLE]: String(FETCH_LIMIT) } : {}),
  });
}
