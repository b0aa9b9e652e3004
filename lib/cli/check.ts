/** `adit check`: everything that `adit serve` checks before it starts and, if asked to, what AWS says of it. */

import { readFile } from "../config/file/files.ts";
import { loadConfig, type LoadedConfig, type LoadResult } from "../config/load.ts";
import { formatPath, formatProblem, type Problem } from "../base/problems.ts";
import type { Finding } from "../providers/bedrock/online.ts";
import { findConfig } from "./config_path.ts";
import type { CliIo } from "./io.ts";
import { parseOptions } from "./options.ts";

const HELP = `Check a configuration without starting anything.

Usage: adit check [--config FILE] [--format text|json] [--online]

  --config FILE   the configuration; default: config/adit.yaml, then /etc/adit/adit.yaml
  --format json   the problems as a JSON list of {file, line, column, path, message, severity}
  --online        ask AWS, too: whose the credentials are (STS GetCallerIdentity), and whether each model
                  answers, by a Converse request of about ten tokens and one token of answer, at your cost

Problems are printed as FILE:LINE:COLUMN: KEY: MESSAGE, all of them in one run. The exit code is 0 if there
are none, whatever the warnings. References such as \${env:NAME} are resolved as they would be by "adit serve".
`;

/** What was found, by whichever way. */
interface Outcome {
  readonly path: string;
  readonly loaded: LoadResult;
  readonly problems: readonly Problem[];
  /** What AWS said that is good. */
  readonly answers: readonly Finding[];
}

type Report = (outcome: Outcome, io: CliIo) => void;

const REPORTS: ReadonlyMap<string, Report> = new Map([["text", reportText], ["json", reportJson]]);

/** Runs `adit check`; gives the exit code: 0 without problems, 1 with some, 2 for wrong usage. */
export async function check(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(args, { help: HELP, strings: ["config", "format"], flags: ["online"] }, io);
  if (typeof options === "number") return options;
  const report = REPORTS.get(options.format ?? "text");
  if (report === undefined) {
    io.err(`Unknown format ${JSON.stringify(options.format)}\n\n${HELP}`);
    return 2;
  }
  const path = findConfig(options.config);
  const loaded = await loadConfig(path, { readFile, env: io.env });
  const findings = loaded.ok && options.online === true ? await askAws(loaded, io) : [];
  const problems = loaded.ok
    ? findings.filter(({ ok }) => !ok).map((finding) =>
      loaded.written.places.problemOfKey(finding.path, finding.text)
    )
    : loaded.problems;
  report({ path, loaded, problems, answers: findings.filter(({ ok }) => ok) }, io);
  return problems.length === 0 ? 0 : 1;
}

async function askAws({ snapshot }: LoadedConfig, io: CliIo): Promise<readonly Finding[]> {
  // Loaded here, so that no other check pays for it.
  const { checkOnline } = await import("./check_online.ts");
  return await checkOnline(snapshot, io);
}

function reportText({ path, loaded, problems, answers }: Outcome, io: CliIo): void {
  for (const warning of loaded.warnings) io.err(`${formatProblem(warning)} (warning)\n`);
  for (const problem of problems) io.err(`${formatProblem(problem)}\n`);
  for (const answer of answers) io.out(`${formatPath(answer.path)}: ${answer.text}\n`);
  if (!loaded.ok || problems.length > 0) return;
  const { providers, models, routes, callers } = loaded.snapshot;
  const counts = Object.entries({ providers, models, routes, callers })
    .map(([section, entries]) => `${section}: ${entries.size}`);
  io.out(`${path}: ok (${counts.join(", ")})\n`);
}

function reportJson({ loaded, problems }: Outcome, io: CliIo): void {
  const list = [
    ...problems.map((problem) => ({ ...problem, severity: "error" })),
    ...loaded.warnings.map((warning) => ({ ...warning, severity: "warning" })),
  ];
  io.out(`${JSON.stringify(list, null, 2)}\n`);
}
