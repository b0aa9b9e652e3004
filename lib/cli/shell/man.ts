/** `adit man`: the manual page adit(1), from the table of commands. */

import { COMMAND_ROWS } from "../commands.ts";
import { PROGRAM, spellings, usage } from "./help.ts";
import type { CliIo } from "../io.ts";
import { parseOptions } from "../options.ts";
import { VERSION } from "../version.ts";

/** Runs `adit man`; returns the exit code: 0, or 2 for wrong usage. */
export function man(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("man", args, io);
  if (typeof options === "number") return Promise.resolve(options);
  io.out(manualPage());
  return Promise.resolve(0);
}

function manualPage(): string {
  const commands = [...COMMAND_ROWS].flatMap(([name, row]) => [
    `.SS ${roff(usage(name, row).replace(/^Usage: /, ""))}`,
    roff(row.about),
    ...row.arguments.flatMap((each) => [".TP", `.I ${roff(each.name)}`, roff(each.help)]),
    ...row.options.flatMap((option) => [".TP", `.B ${roff(spellings(option))}`, roff(option.help)]),
    ...(row.notes === undefined ? [] : [".PP", ".nf", roff(row.notes), ".fi"]),
  ]);
  return [
    `.TH ADIT 1 "" "adit ${VERSION}" "Adit"`,
    ".SH NAME",
    `adit \\- ${roff(PROGRAM.replace(/^Adit: (.*)\.$/, "$1"))}`,
    ".SH SYNOPSIS",
    ".B adit",
    ".I COMMAND",
    "[\\fIOPTIONS\\fR]",
    ".SH COMMANDS",
    ...commands,
    ".SH ENVIRONMENT",
    ".TP",
    ".B ADIT_CONFIG",
    roff("The configuration file, if there is no --config."),
    ".TP",
    ".B ADIT_ADMIN_KEY",
    roff("The key that adit reload and adit top send to the admin address."),
    ".SH FILES",
    ".TP",
    ".I config/adit.yaml",
    "The configuration in the working directory, if it exists.",
    ".TP",
    ".I /etc/adit/adit.yaml",
    "The configuration of the service.",
    ".SH EXIT STATUS",
    "0 after success, 1 after a failure, 2 after wrong usage, and 78 from adit serve if the configuration is invalid.",
    ".SH SIGNALS",
    roff(
      "SIGHUP reloads the configuration. SIGTERM and SIGINT stop adit serve after in-flight requests have " +
        "finished. A second one within a second is ignored; a later one exits immediately.",
    ),
    "",
  ].join("\n");
}

/** Escapes the special characters of roff. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^([.'])/gm, "\\&$1");
}
