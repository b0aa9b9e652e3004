/**
 * Prepares a Bun process for a command. This may replace the process, which loads everything imported so far once more;
 * so this file imports only a table.
 */

import process from "node:process";
import { weakeningIn } from "./weakening.ts";

declare const Bun: {
  /** Path of the main module. */
  readonly main: string;
};

/** Whether the program is a compiled binary, whose modules are in a virtual file system: `B:/~BUN/` on Windows. */
export function isCompiled(): boolean {
  return /^(?:\/\$bunfs|[A-Z]:[\\/]~BUN)[\\/]/.test(Bun.main);
}

/** Bun 1.4.4 reads this only from the environment, once at process start; its maximum is 65535. */
const FETCH_LIMIT_VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const FETCH_LIMIT = 65_535;

/**
 * Re-executes the process (`process.execve`: same pid) if its environment must change: by default, Bun 1.4.4 runs at
 * most 256 fetches at once and silently queues the rest, and it obeys variables that weaken the program. Bun reads both
 * only at process start. There is no loop, because afterwards nothing is left to change.
 */
export function prepareProcess({ serve }: { readonly serve: boolean }): void {
  const weakening = weakeningIn(process.env, "bun").map(({ name }) => name);
  const needsLimit = serve && !(Number(process.env[FETCH_LIMIT_VARIABLE]) >= FETCH_LIMIT);
  if (weakening.length === 0 && !needsLimit) return;
  const [, script, ...args] = process.argv;
  // In a compiled program, `execArgv` has the options from BUN_OPTIONS.
  const program = isCompiled() || script === undefined ? [] : [...process.execArgv, script];
  const kept = Object.entries(process.env).filter(([name]) => !weakening.includes(name));
  process.execve?.(process.execPath, [process.execPath, ...program, ...args], {
    ...Object.fromEntries(kept),
    ...(serve ? { [FETCH_LIMIT_VARIABLE]: String(FETCH_LIMIT) } : {}),
  });
}
