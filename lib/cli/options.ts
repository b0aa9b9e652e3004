/** Reading a command's options, the same way for every command. */

import { parseArgs } from "node:util";

import type { CliIo } from "./io.ts";

export interface OptionsSpec<Name extends string> {
  /** Printed for `--help` and, on standard error, behind a mistake. */
  readonly help: string;
  /** Options that take a text: `config` for `--config FILE`. */
  readonly strings: readonly Name[];
}

/** The options given, or the exit code where there is nothing left to do: 0 after `--help`, 2 after a mistake. */
export function parseOptions<Name extends string>(
  args: readonly string[],
  { help, strings }: OptionsSpec<Name>,
  io: CliIo,
): Partial<Record<Name, string>> | number {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        help: { type: "boolean", short: "h" },
        ...Object.fromEntries(strings.map((name) => [name, { type: "string" } as const])),
      },
    });
    if (values["help"] === true) {
      io.out(help);
      return 0;
    }
    return values as Partial<Record<Name, string>>;
  } catch (error) {
    io.err(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return 2;
  }
}
