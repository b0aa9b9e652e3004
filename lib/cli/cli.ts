/** The command line: finds the command and runs it. */

import { weakeningIn } from "../runtime/weakening.ts";
import type { CliIo, Command } from "./io.ts";
import { Signals } from "./signals.ts";

/** Each command is loaded when it is selected, so that it only pays for what it needs. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ["serve", async () => (await import("./serve.ts")).serve],
  ["check", async () => (await import("./check.ts")).check],
  ["explain", async () => (await import("./explain.ts")).explain],
  ["config", async () => (await import("./config.ts")).config],
  ["schema", async () => (await import("./schema.ts")).schema],
  ["import", async () => (await import("./import.ts")).importConfig],
  ["keygen", async () => (await import("./keygen.ts")).keygen],
  ["emulator", async () => (await import("./emulator.ts")).emulator],
  ["version", async () => (await import("./version.ts")).version],
]);

const HELP = `Adit: a gateway to Amazon Bedrock in one file.

Usage: adit COMMAND [OPTIONS]

Commands:
  serve      run the gateway
  check      check a configuration without starting the gateway
  explain    explain how a request for a model would be routed, and why
  config     print the effective configuration and where each value comes from
  schema     print the JSON Schema of the configuration
  import     convert the configuration of another gateway
  keygen     create a key for a caller
  emulator   run only the built-in Bedrock emulator
  version    print the version

Run "adit COMMAND --help" for details.
`;

/**
 * Runs a command line, without the program's name; returns the exit code: 0 success, 1 failure, 2 wrong usage.
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [name = "", ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    io.out(HELP);
    return 0;
  }
  const load = COMMANDS.get(name === "--version" ? "version" : name);
  if (load === undefined) {
    io.err(name === "" ? HELP : `Unknown command ${JSON.stringify(name)}\n\n${HELP}`);
    return 2;
  }
  io.runtime.prepare({ serve: name === "serve" });
  const [weakening] = weakeningIn(io.env, io.runtime.name);
  if (weakening !== undefined) {
    io.err(`Cannot run: the environment variable ${weakening.name} ${weakening.effect}; unset it\n`);
    return 1;
  }
  // Before the rest is loaded, since until then a SIGHUP would kill the process.
  const signals = name === "serve" ? { signals: new Signals(io.clock) } : {};
  const command = await load();
  return await command(rest, { ...io, ...signals });
}
