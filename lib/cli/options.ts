/** Parses the options of all commands in the same way. */

import { parseArgs } from "node:util";

import { messageOf } from "../base/errors.ts";
import type { CliIo } from "./io.ts";

export interface OptionsSpec<Name extends string, Flag extends string> {
  /** Printed for `--help` and, on standard error, after a mistake. */
  readonly help: string;
  /** Options with a value: `config` for `--config FILE`. */
  readonly strings?: readonly Name[];
  /** Options without a value: `online` for `--online`. */
  readonly flags?: readonly Flag[];
  /** Positional arguments as in the help text: `["MODEL"]`; all are required. */
  readonly positionals?: readonly string[];
}

export type Options<Name extends string, Flag extends string> =
  & Partial<Record<Name, string>>
  & Partial<Record<Flag, boolean>>
  & { readonly positionals: readonly string[] };

/** The options, or the exit code if there is nothing left to do: 0 after `--help`, 2 after a mistake. */
export function parseOptions<Name extends string = never, Flag extends string = never>(
  args: readonly string[],
  { help, strings = [], flags = [], positionals: expected = [] }: OptionsSpec<Name, Flag>,
  io: CliIo,
): Options<Name, Flag> | number {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: expected.length > 0,
      options: {
        help: { type: "boolean", short: "h" },
        ...Object.fromEntries(strings.map((name) => [name, { type: "string" } as const])),
        ...Object.fromEntries(flags.map((name) => [name, { type: "boolean" } as const])),
      },
    });
    if (values["help"] === true) {
      io.out(help);
      return 0;
    }
    const missing = expected[positionals.length];
    if (missing !== undefined) throw new Error(`Missing argument ${missing}`);
    const surplus = positionals[expected.length];
    if (surplus !== undefined) throw new Error(`Unexpected argument ${JSON.stringify(surplus)}`);
    return { ...values, positionals } as Options<Name, Flag>;
  } catch (error) {
    io.err(`${messageOf(error)}\n\n${help}`);
    return 2;
  }
}
