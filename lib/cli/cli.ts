/** The command line: finds the command and runs it. */

import { didYouMean } from "../config/schema/suggest.ts";
import { weakeningIn } from "../runtime/weakening.ts";
import { COMMAND_ROWS, type CommandName } from "./commands.ts";
import { commandHelp, programHelp } from "./shell/help.ts";
import type { CliIo, Command } from "./io.ts";
import { Signals } from "./service/signals.ts";

/** Each command is loaded when it is selected, so that it starts without the code of the others. */
const LOADERS: Readonly<Record<CommandName, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  reload: async () => (await import("./remote/reload.ts")).reload,
  top: async () => (await import("./remote/top.ts")).top,
  check: async () => (await import("./check.ts")).check,
  explain: async () => (await import("./explain/explain.ts")).explain,
  config: async () => (await import("./config.ts")).config,
  schema: async () => (await import("./schema.ts")).schema,
  prices: async () => (await import("./prices.ts")).prices,
  usage: async () => (await import("./usage/usage_table.ts")).usage,
  import: async () => (await import("./import.ts")).importConfig,
  keygen: async () => (await import("./keygen.ts")).keygen,
  emulator: async () => (await import("./emulator.ts")).emulator,
  completion: async () => (await import("./shell/completion.ts")).completion,
  man: async () => (await import("./shell/man.ts")).man,
  version: async () => (await import("./version.ts")).version,
};

/**
 * Runs a command line, without the program's name; returns the exit code: 0 success, 1 failure, 2 wrong usage.
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [first = "", ...rest] = args;
  const name = first === "--version" || first === "-V" ? "version" : first;
  if (name === "--help" || name === "-h" || name === "help") return help(rest, io);
  if (!isCommand(name)) {
    if (name === "") io.err(programHelp());
    else unknownCommand(name, io);
    return 2;
  }
  const [weakening] = weakeningIn(io.env, io.runtime.name);
  if (weakening !== undefined) {
    io.err(`Cannot run: the environment variable ${weakening.name} ${weakening.effect}; unset it\n`);
    return 1;
  }
  // Before the rest is loaded: until then, SIGHUP kills the process.
  const signals = name === "serve" ? { signals: new Signals(io.clock) } : {};
  const command = await LOADERS[name]();
  return await command(rest, { ...io, ...signals });
}

function isCommand(name: string): name is CommandName {
  return COMMAND_ROWS.has(name);
}

function unknownCommand(name: string, io: CliIo): void {
  const guess = didYouMean(name, COMMAND_ROWS.keys());
  io.err(`Unknown command ${JSON.stringify(name)}${guess}\nRun "adit help" for the list of commands.\n`);
}

/** `adit help`, and `adit help COMMAND`. */
function help([name = "help"]: readonly string[], io: CliIo): number {
  const row = COMMAND_ROWS.get(name);
  if (row !== undefined) io.out(commandHelp(name, row));
  else if (["help", "--help", "-h"].includes(name)) io.out(programHelp());
  else {
    unknownCommand(name, io);
    return 2;
  }
  return 0;
}
