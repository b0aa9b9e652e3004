/** The command line: finds the command and runs it. */

import { weakeningIn } from "../runtime/weakening.ts";
import type { CliIo, Command } from "./io.ts";
import { Signals } from "./signals.ts";

/** Each is loaded when it is chosen: what a command does not need takes no time at its start. */
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
  check      check a configuration without starting anything
  explain    tell what a request for a model would do, and why
  config     print the configuration that would be used, and where each value is from
  schema     print the JSON Schema of the configuration
  import     print the configuration of another gateway as one of Adit's
  keygen     make a key for a caller
  emulator   run the built-in Bedrock by itself
  version    print the version

"adit COMMAND --help" says more about each.
`;

/** Runs a command line, without the program's name; gives the exit code: 0 good, 1 failed, 2 wrong usage. */
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
  // Before the rest is loaded, which takes a moment in which a SIGHUP would be the end.
  const signals = name === "serve" ? { signals: new Signals(io.clock) } : {};
  const command = await load();
  return await command(rest, { ...io, ...signals });
}
