/** What a command line command may touch, as a parameter. */

import type { Clock } from "../base/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";

export interface CliIo {
  /** Writes to standard output, as it is. */
  out(text: string): void;
  /** Writes to standard error, as it is. */
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime: Runtime;
  readonly clock: Clock;
}

/** A command: takes the arguments behind its name, gives the exit code. */
export type Command = (args: readonly string[], io: CliIo) => Promise<number>;
