/** Makes the process fit for the command, picks the runtime, runs the command line, and sets the exit code. */

import process from "node:process";
import { prepareProcess } from "./lib/runtime/bun_process.ts";

const args = process.argv.slice(2);
const isBun = "Bun" in globalThis;
// The program is loaded afterwards, since the process may be replaced here.
if (isBun) prepareProcess({ serve: args[0] === "serve" });

const { runProgram } = await import("./lib/cli/program.ts");
const runtime = isBun
  ? (await import("./lib/runtime/bun.ts")).bunRuntime
  : (await import("./lib/runtime/deno.ts")).denoRuntime;
const code = await runProgram(args, runtime);
// Idle connections to providers would keep the process alive.
process.exit(code);
