/** `adit check`: everything that `adit serve` checks at start and, with `--online`, checks that need AWS. */

import type { LoadedConfig, LoadResult } from "../config/load.ts";
import { formatPath, formatProblem, type Problem } from "../base/problems.ts";
import type { Finding } from "../providers/bedrock/online.ts";
import { findConfig } from "./config_path.ts";
import type { CliIo } from "./io.ts";
import { loadFrom, shownPath } from "./loaded.ts";
import { parseOptions, wrongUsage } from "./options.ts";

/** The findings of all checks. */
interface Outcome {
  readonly path: string;
  readonly loaded: LoadResult;
  readonly problems: readonly Problem[];
  /** From the configuration and from AWS. */
  readonly warnings: readonly Problem[];
  /** Successful checks with AWS. */
  readonly answers: readonly Finding[];
}

type Report = (outcome: Outcome, io: CliIo) => void;

/** Runs `adit check`; returns the exit code: 0 without problems, 1 with problems, 2 for wrong usage. */
export async function check(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions("check", args, io);
  if (typeof options === "number") return options;
  const [file] = options.positionals;
  if (file !== undefined && options.config !== undefined) {
    return wrongUsage("check", `Cannot combine --config with the argument ${JSON.stringify(file)}`, io);
  }
  const path = findConfig(options.config ?? file, io.env);
  const loaded = await loadFrom(path, io);
  const findings = loaded.ok && options.online === true ? await askAws(loaded, io) : [];
  const found = (kind: Finding["kind"]) => findings.filter((finding) => finding.kind === kind);
  const placed = (kind: Finding["kind"]) =>
    loaded.ok ? found(kind).map(({ path, text }) => loaded.written.sourceMap.problemOfKey(path, text)) : [];
  const problems = loaded.ok ? placed("problem") : loaded.problems;
  const warnings = [...loaded.warnings, ...placed("warning")];
  const report: Report = options.format === "json" ? reportJson : reportText;
  report({ path: shownPath(path), loaded, problems, warnings, answers: found("answer") }, io);
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
