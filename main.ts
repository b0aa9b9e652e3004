/** Prepares the process, chooses the runtime, runs the command line and sets the exit code. */

import process from "node:process";
import { prepareProcess } from "./lib/runtime/bun_process.ts";

const args = process.argv.slice(2);
const isBun = "Bun" in globalThis;
// This may replace the process, so the rest of the program is loaded afterwards.
if (isBun) prepareProcess({ serve: args[0] === "serve" });

const { runProgram } = await import("./lib/cli/program.ts");
const runtime = isBun
  ? (await import("./lib/runtime/bun.ts")).bunRuntime
  : (await import("./lib/runtime/deno.ts")).denoRuntime;
const code = await runProgram(args, runtime);
// Idle connections to providers would keep the process alive.
process.exit(code);
