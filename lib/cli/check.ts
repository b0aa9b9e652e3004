/** `adit check`: everything that `adit serve` checks before it starts, and nothing else. */

import { readFile } from "../config/files.ts";
import { loadConfig, type LoadResult } from "../config/load.ts";
import { formatProblem } from "../config/problems.ts";
import { findConfig } from "./config_path.ts";
import type { CliIo } from "./io.ts";
import { parseOptions } from "./options.ts";

const HELP = `Check a configuration without starting anything.

Usage: adit check [--config FILE] [--format text|json]

  --config FILE   the configuration; default: config/adit.yaml, then /etc/adit/adit.yaml
  --format json   the problems as a JSON list of {file, line, column, path, message, severity}

Problems are printed as FILE:LINE:COLUMN: KEY: MESSAGE, all of them in one run. The exit code is 0 if there
are none, whatever the warnings. References such as \${env:NAME} are resolved as they would be by "adit serve".
`;

/** Prints what loading came to. */
type Report = (path: string, loaded: LoadResult, io: CliIo) => void;

const REPORTS: ReadonlyMap<string, Report> = new Map([["text", reportText], ["json", reportJson]]);

export async function check(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(args, { help: HELP, strings: ["config", "format"] }, io);
  if (typeof options === "number") return options;
  const report = REPORTS.get(options.format ?? "text");
  if (report === undefined) {
    io.err(`Unknown format ${JSON.stringify(options.format)}\n\n${HELP}`);
    return 2;
  }
  const path = findConfig(options.config);
  const loaded = await loadConfig(path, { readFile, env: io.env });
  report(path, loaded, io);
  return loaded.ok ? 0 : 1;
}

function reportText(path: string, loaded: LoadResult, io: CliIo): void {
  for (const warning of loaded.warnings) io.err(`${formatProblem(warning)} (warning)\n`);
  if (!loaded.ok) {
    for (const problem of loaded.problems) io.err(`${formatProblem(problem)}\n`);
    return;
  }
  const { providers, models, routes, callers } = loaded.snapshot;
  const counts = Object.entries({ providers, models, routes, callers })
    .map(([section, entries]) => `${section}: ${entries.size}`);
  io.out(`${path}: ok (${counts.join(", ")})\n`);
}

function reportJson(_path: string, loaded: LoadResult, io: CliIo): void {
  const problems = loaded.ok ? [] : loaded.problems;
  const list = [
    ...problems.map((problem) => ({ ...problem, severity: "error" })),
    ...loaded.warnings.map((warning) => ({ ...warning, severity: "warning" })),
  ];
  io.out(`${JSON.stringify(list, null, 2)}\n`);
}
