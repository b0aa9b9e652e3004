/** Everything outside the process that a command may use. */

import type { Clock } from "../base/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Signals } from "./service/signals.ts";

export interface CliIo {
  /** Writes to standard output unchanged. */
  out(text: string): void;
  /** Writes to standard error unchanged. */
  err(text: string): void;
  /** Reads standard input, up to a maximum number of bytes. */
  readIn(maxBytes: number): Promise<Uint8Array<ArrayBuffer>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** Only for a command that handles signals from its start. */
  readonly signals?: Signals;
}

/** A command: receives the arguments after its name and returns the exit code. */
export type Command = (args: readonly string[], io: CliIo) => Promise<number>;
