/** The command line: finds the command and runs it. */

import { check } from "./check.ts";
import { config } from "./config.ts";
import { emulator } from "./emulator.ts";
import { explain } from "./explain.ts";
import { importConfig } from "./import.ts";
import type { CliIo, Command } from "./io.ts";
import { keygen } from "./keygen.ts";
import { schema } from "./schema.ts";
import { serve } from "./serve.ts";
import { version } from "./version.ts";

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["serve", serve],
  ["check", check],
  ["explain", explain],
  ["config", config],
  ["schema", schema],
  ["import", importConfig],
  ["keygen", keygen],
  ["emulator", emulator],
  ["version", version],
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
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    io.out(HELP);
    return 0;
  }
  if (name === "--version") return await version(rest, io);
  const command = COMMANDS.get(name ?? "");
  if (command === undefined) {
    io.err(name === undefined ? HELP : `Unknown command ${JSON.stringify(name)}\n\n${HELP}`);
    return 2;
  }
  return await command(rest, io);
}
