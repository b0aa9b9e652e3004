/** The help of the program and of each command, from the table of commands. */

import { COMMAND_ROWS, type CommandRow, type Option } from "../commands.ts";

const WIDTH = 112;

export const PROGRAM = "Adit: a gateway to Amazon Bedrock in one file.";

/** The list of commands. */
export function programHelp(): string {
  const rows = [...COMMAND_ROWS].map(([name, { summary }]) => [name, summary] as const);
  return `${PROGRAM}

Usage: adit COMMAND [OPTIONS]

Commands:
${columns(rows)}

Run "adit help COMMAND" for details.
`;
}

/** `Usage: adit check [--config FILE] [FILE]`. */
export function usage(name: string, row: CommandRow): string {
  const { arguments: positionals, options } = row;
  const required = positionals.filter(({ isOptional }) => isOptional !== true).map((each) => each.name);
  const optional = positionals.filter(({ isOptional }) => isOptional === true).map((each) =>
    `[${each.name}]`
  );
  const parts = [...required, ...options.map((option) => `[${longForm(option)}]`), ...optional];
  const line = `Usage: adit ${[name, ...parts].join(" ")}`;
  return line.length <= MAX_LINE
    ? line
    : `Usage: adit ${[name, ...required, "[OPTIONS]", ...optional].join(" ")}`;
}

/** Maximum length of a line of help. */
const MAX_LINE = 120;

/** The output of `adit help COMMAND`. */
export function commandHelp(name: string, row: CommandRow): string {
  const rows = [
    ...row.arguments.map((each) => [each.name, each.help] as const),
    ...row.options.map((option) => [spellings(option), option.help] as const),
    ["-h, --help", "print this help"] as const,
  ];
  const notes = row.notes === undefined ? "" : `\n${row.notes}\n`;
  return `${row.about}\n\n${usage(name, row)}\n\n${columns(rows)}\n${notes}`;
}

/** `-c, --config FILE`. */
export function spellings(option: Option): string {
  return `${option.short === undefined ? "" : `-${option.short}, `}${longForm(option)}`;
}

function longForm({ name, value, choices }: Option): string {
  return `--${name}${value === undefined ? "" : ` ${choices?.join("|") ?? value}`}`;
}

/** Two columns; the second is wrapped. */
function columns(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => {
    const lines = wrap(right, WIDTH - width - 5);
    return `  ${left.padEnd(width)}   ${lines.join(`\n${" ".repeat(width + 5)}`)}`;
  }).join("\n");
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
