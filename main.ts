/** Picks the runtime, runs the command line, and sets the exit code. */

import { Buffer } from "node:buffer";
import process from "node:process";
import { systemClock } from "./lib/base/clock.ts";
import { runCli } from "./lib/cli/cli.ts";
import { bunRuntime } from "./lib/runtime/bun.ts";
import { denoRuntime } from "./lib/runtime/deno.ts";

const code = await runCli(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  readIn: async (maxBytes) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of process.stdin) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= maxBytes) break;
    }
    return new Uint8Array(Buffer.concat(chunks)).slice(0, maxBytes);
  },
  env: process.env,
  runtime: "Bun" in globalThis ? bunRuntime : denoRuntime,
  clock: systemClock,
});
// Idle connections to providers would keep the process alive.
process.exit(code);
