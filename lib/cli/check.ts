/**
 * `adit check`: everything that `adit serve` checks at start and, with `--online`, what AWS says about it.
 */

import { readFile } from "../config/file/files.ts";
import { loadConfig, type LoadedConfig, type LoadResult } from "../config/load.ts";
import { formatPath, formatProblem, type Problem } from "../base/problems.ts";
import type { Finding } from "../providers/bedrock/online.ts";
import { findConfig } from "./config_path.ts";
import type { CliIo } from "./io.ts";
import { parseOptions } from "./options.ts";

const HELP = `Check a configuration without starting the gateway.

Usage: adit check [--config FILE] [--format text|json] [--online]

  --config FILE   the configuration; default: config/adit.yaml, then /etc/adit/adit.yaml
  --format json   print the problems as a JSON list of {file, line, column, path, message, severity}
  --online        also check with AWS: who the credentials belong to (STS GetCallerIdentity), whether each model
                  responds to a Converse request of about ten input tokens and one output token, which AWS
                  bills, and whether it is near its end of life (GetFoundationModel)

All problems are reported in one run, as FILE:LINE:COLUMN: KEY: MESSAGE. The exit code is 0 if there are none;
warnings do not change it. References such as \${env:NAME} are resolved as by "adit serve".
`;

/** The findings of all checks. */
interface Outcome {
  readonly path: string;
  readonly loaded: LoadResult;
  readonly problems: readonly Problem[];
  /** From the configuration and from AWS. */
  readonly warnings: readonly Problem[];
  /** What succeeded at AWS. */
  readonly answers: readonly Finding[];
}

type Report = (outcome: Outcome, io: CliIo) => void;

const REPORTS: ReadonlyMap<string, Report> = new Map([["text", reportText], ["json", reportJson]]);

/** Runs `adit check`; returns the exit code: 0 without problems, 1 with problems, 2 for wrong usage. */
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
  const found = (kind: Finding["kind"]) => findings.filter((finding) => finding.kind === kind);
  const placed = (kind: Finding["kind"]) =>
    loaded.ok ? found(kind).map(({ path, text }) => loaded.written.sourceMap.problemOfKey(path, text)) : [];
  const problems = loaded.ok ? placed("problem") : loaded.problems;
  const warnings = [...loaded.warnings, ...placed("warning")];
  report({ path, loaded, problems, warnings, answers: found("answer") }, io);
  return problems.length === 0 ? 0 : 1;
}

async function askAws({ snapshot }: LoadedConfig, io: CliIo): Promise<readonly Finding[]> {
  // Imported here, so that checks without `--online` do not load it.
  const { checkOnline } = await import("./check_online.ts");
  return await checkOnline(snapshot, io);
}

function reportText({ path, loaded, problems, warnings, answers }: Outcome, io: CliIo): void {
  for (const warning of warnings) io.err(`${formatProblem(warning)} (warning)\n`);
  for (const problem of problems) io.err(`${formatProblem(problem)}\n`);
  for (const answer of answers) io.out(`${formatPath(answer.path)}: ${answer.text}\n`);
  if (!loaded.ok || problems.length > 0) return;
  const { providers, models, routes, callers } = loaded.snapshot;
  const counts = Object.entries({ providers, models, routes, callers })
    .map(([section, entries]) => `${section}: ${entries.size}`);
  io.out(`${path}: ok (${counts.join(", ")})\n`);
}

function reportJson({ problems, warnings }: Outcome, io: CliIo): void {
  const list = [
    ...problems.map((problem) => ({ ...problem, severity: "error" })),
    ...warnings.map((warning) => ({ ...warning, severity: "warning" })),
  ];
  io.out(`${JSON.stringify(list, null, 2)}\n`);
}
