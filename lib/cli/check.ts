/** `adit check`: everything that `adit serve` checks before it starts, and nothing else. */

import { readFile } from "../config/files.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problems.ts";
import { findConfig } from "./config_path.ts";
import type { CliIo } from "./io.ts";
import { parseOptions } from "./options.ts";

const HELP = `Check a configuration without starting anything.

Usage: adit check [--config FILE]

  --config FILE   the configuration; default: config/adit.yaml, then /etc/adit/adit.yaml

Problems are printed as FILE:LINE:COLUMN: KEY: MESSAGE, all of them in one run. The exit code is 0 if there
are none, whatever the warnings. References such as \${env:NAME} are resolved as they would be by "adit serve".
`;

export async function check(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(args, { help: HELP, strings: ["config"] }, io);
  if (typeof options === "number") return options;
  const path = findConfig(options.config);
  const loaded = await loadConfig(path, { readFile, env: io.env });
  for (const warning of loaded.warnings) io.err(`${formatProblem(warning)} (warning)\n`);
  if (!loaded.ok) {
    for (const problem of loaded.problems) io.err(`${formatProblem(problem)}\n`);
    return 1;
  }
  const { providers, models, routes, callers } = loaded.snapshot;
  const counts = Object.entries({ providers, models, routes, callers })
    .map(([section, entries]) => `${section}: ${entries.size}`);
  io.out(`${path}: ok (${counts.join(", ")})\n`);
  return 0;
}
