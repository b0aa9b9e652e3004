/** Runs the command line with the input and output of the process. */

import { Buffer } from "node:buffer";
import { writeSync } from "node:fs";
import process from "node:process";
import { encodeUtf8 } from "../base/bytes.ts";
import { systemClock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { runCli } from "./cli.ts";

/** Runs a command line, without the program's name; returns the exit code. */
export async function runProgram(args: readonly string[], runtime: Runtime): Promise<number> {
  const err = (text: string) => write(2, text);
  try {
    return await runCli(args, {
      out: (text) => write(1, text),
      err,
      readIn,
      env: process.env,
      runtime,
      clock: systemClock,
    });
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    err(`${error.message}\n`);
    return 1;
  }
}

/** Standard output cannot be written, perhaps because its disk is full. */
class OutputError extends Error {}

/**
 * Writes to standard output or standard error, and waits until the reader has taken it. `process.stdout` is left to what
 * needs it: on Bun 1.4.4, its first use takes twice as long as everything else that `adit version` does.
 */
function write(descriptor: 1 | 2, text: string): void {
  let rest = encodeUtf8(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // The reader has gone.
    if (code === "EPIPE") return;
    // A full pipe that another program has set not to block.
    if (code === "EAGAIN") (descriptor === 1 ? process.stdout : process.stderr).write(rest);
    // Nothing is left that could say why standard error cannot be written.
    else if (descriptor === 1) throw new OutputError(`Cannot write the output: ${messageOf(error)}`);
  }
}

async function readIn(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= maxBytes) break;
  }
  return new Uint8Array(Buffer.concat(chunks)).slice(0, maxBytes);
}
