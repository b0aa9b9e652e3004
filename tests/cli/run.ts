/** Runs a command without a process. */

import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { systemClock } from "../../lib/base/clock.ts";
import type { CliIo, Command } from "../../lib/cli/io.ts";
import { denoRuntime } from "../../lib/runtime/deno.ts";

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command with only these variables in the environment. */
export async function runWith(
  { stdin = "", ...env }: CliIo["env"] & { readonly stdin?: string },
  command: Command,
  ...args: readonly string[]
): Promise<Run> {
  let out = "";
  let err = "";
  const io: CliIo = {
    out: (text) => out += text,
    err: (text) => err += text,
    readIn: () => Promise.resolve(encodeUtf8(stdin)),
    env,
    runtime: denoRuntime,
    clock: systemClock,
  };
  return { code: await command(args, io), out, err };
}

export function run(command: Command, ...args: readonly string[]): Promise<Run> {
  return runWith({}, command, ...args);
}
