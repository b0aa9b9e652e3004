/** What a command line command may touch, as a parameter. */

import type { Clock } from "../base/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Signals } from "./signals.ts";

export interface CliIo {
  /** Writes to standard output, as it is. */
  out(text: string): void;
  /** Writes to standard error, as it is. */
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** Of a command that obeys signals from its first moment on. */
  readonly signals?: Signals;
}

/** A command: takes the arguments behind its name, gives the exit code. */
export type Command = (args: readonly string[], io: CliIo) => Promise<number>;
