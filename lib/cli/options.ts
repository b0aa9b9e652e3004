/** Parses the arguments of every command, from the table of commands. */

import { parseArgs } from "node:util";

import { suggestion } from "../config/schema/suggest.ts";
import { COMMAND_ROWS, type CommandName, type CommandRow, type COMMANDS, type Option } from "./commands.ts";
import { commandHelp, usage } from "./shell/help.ts";
import type { CliIo } from "./io.ts";

type OptionOf<Name extends CommandName> = (typeof COMMANDS)[Name]["options"][number];

/** The options given by name, and the arguments. */
export type Options<Name extends CommandName> =
  & { readonly [Key in Extract<OptionOf<Name>, { value: string }>["name"]]?: string }
  & { readonly [Key in Exclude<OptionOf<Name>, { value: string }>["name"]]?: boolean }
  & { readonly positionals: readonly string[] };

/** The options, or the exit code if the command must not run: 0 after `--help`, 2 after a mistake. */
export function parseOptions<Name extends CommandName>(
  name: Name,
  args: readonly string[],
  io: CliIo,
): Options<Name> | number {
  const row = COMMAND_ROWS.get(name);
  if (row === undefined) {
    throw new Error(`Cannot parse the options of ${JSON.stringify(name)}: unknown command`);
  }
  const parsed = parse(row, args);
  if (parsed === "help") {
    io.out(commandHelp(name, row));
    return 0;
  }
  if (typeof parsed === "string") return wrongUsage(name, parsed, io);
  return parsed as Options<Name>;
}

/** Prints the mistake and the usage, in three lines. */
export function wrongUsage(name: CommandName, message: string, io: CliIo): 2 {
  const row: CommandRow | undefined = COMMAND_ROWS.get(name);
  const line = row === undefined ? "" : `${usage(name, row)}\n`;
  io.err(`${message}\n${line}Run "adit help ${name}" for details.\n`);
  return 2;
}

type Parsed = Record<string, string | boolean | readonly string[]>;

/** The values, `help`, or the message about a mistake. */
function parse({ arguments: positionals, options }: CommandRow, args: readonly string[]): Parsed | string {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: {
      help: { type: "boolean", short: "h" },
      ...Object.fromEntries(options.map(({ name, short, value }) => [
        name,
        {
          type: value === undefined ? "boolean" : "string",
          ...(short === undefined ? {} : { short }),
        } as const,
      ])),
    },
  });
  const values: Parsed = {};
  const given: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") given.push(token.value);
    if (token.kind !== "option") continue;
    if (token.name === "help") return "help";
    const option = options.find(({ name }) => name === token.name);
    if (option === undefined) return unknownOption(token.rawName, options);
    const value = readValue(option, token);
    if (!value.ok) return value.reason;
    values[option.name] = value.value;
  }
  const missing = positionals[given.length];
  if (missing !== undefined && missing.isOptional !== true) return `Missing argument ${missing.name}`;
  const surplus = given[positionals.length];
  if (surplus !== undefined) return `Unexpected argument ${JSON.stringify(surplus)}`;
  for (const [index, { name, choices }] of positionals.entries()) {
    const text = given[index];
    if (text === "") return `Empty argument ${name}`;
    if (text !== undefined && choices?.includes(text) === false) {
      return unknownChoice(name.toLowerCase(), text, choices);
    }
  }
  return { ...values, positionals: given };
}

interface Token {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

type Value = { readonly ok: true; readonly value: string | boolean } | {
  readonly ok: false;
  readonly reason: string;
};

function readValue(
  { name, value: placeholder, choices }: Option,
  { rawName, value, inlineValue }: Token,
): Value {
  const fail = (reason: string): Value => ({ ok: false, reason });
  if (placeholder === undefined) {
    return inlineValue === true ? fail(`Option ${rawName} takes no value`) : { ok: true, value: true };
  }
  // "-" alone is standard input.
  const isOption = inlineValue !== true && value !== undefined && /^-./.test(value);
  if (value === undefined || value === "" || isOption) {
    return fail(`Missing value: ${rawName} ${placeholder}`);
  }
  if (choices?.includes(value) === false) return fail(unknownChoice(name, value, choices));
  return { ok: true, value };
}

function unknownChoice(what: string, text: string, choices: readonly string[]): string {
  return `Unknown ${what} ${JSON.stringify(text)}${suggestion(text, choices)}`;
}

function unknownOption(given: string, options: readonly Option[]): string {
  const known = [
    "--help",
    ...options.flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]),
  ];
  return `Unknown option ${JSON.stringify(given)}${suggestion(given, known)}`;
}
