/** Runs the command line with the input and output of the process. */

import { Buffer } from "node:buffer";
import process from "node:process";
import { systemClock } from "../base/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { runCli } from "./cli.ts";
import { OutputError, writeText } from "./output.ts";

/** Runs a command line, without the program's name; returns the exit code. */
export async function runProgram(args: readonly string[], runtime: Runtime): Promise<number> {
  const err = (text: string) => writeText(2, text);
  try {
    return await runCli(args, {
      out: (text) => writeText(1, text),
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
