/**
 * The gate, the same here and in CI: checks, build, then every test against what was built, and some once more with two
 * threads. At the end are the tests that were skipped, with the reason, and those that failed, with the beginning of their
 * errors; the last line says `N passed, N failed`. A step that fails counts as one, and so does a run in which no test was
 * executed, or which says nothing for a long time.
 *
 * Tests of whole programs mostly wait for them, so that the others run at the same time; their output comes afterwards.
 */

import { repositoryPath } from "./repository.ts";
import { skippedIn } from "./skipped.ts";
import { failuresIn, parseSummary } from "./summary.ts";

const STEPS = [["task", "--quiet", "check"], ["task", "--quiet", "build"]];

/**
 * End-to-end tests that run once more with two threads: of what holds for the process, of what reaches all threads, and of
 * how they start and end. The others are of single requests, which one thread serves like another.
 */
const THREADED = [
  ...["admin_api", "bounds", "budgets", "credentials", "drain", "failover", "faults", "leaving", "ledger"],
  ...["lessons", "limits", "listeners", "metrics", "openai", "reload", "reload_live", "reload_load"],
  ...["secrecy", "silence", "start_signals", "systemd", "tls", "traces"],
];

/** Tests of whole programs. Those of the docs copy the checkout, so that nothing that writes into it may run next to them. */
const PROGRAMS = "tests/e2e";

/** A run that prints nothing for this long hangs, and is ended: otherwise nobody would hear of the others. */
const SILENCE_MS = 10 * 60_000;

/** How much of its output is shown for a step that failed, and for a run that failed without a failed test. */
const LAST_LINES = 20;

let passed = 0;
let failed = 0;
let skipped = "";
const failures: string[] = [];
for (const step of STEPS) {
  const run = await runDeno(step, { stderr: "piped" });
  if (!run.success) fail(step, run);
}
const others = runOthers();
await runTests([PROGRAMS]);
await print(await others);
await print(`\n${skipped}${failures.map((failure) => `failed: ${failure}\n`).join("")}`);
await print(`${passed} passed, ${failed} failed\n`);
Deno.exit(failed === 0 ? 0 : 1);

/** Everything but the tests of whole programs, and some of those with two threads; resolves with the output. */
async function runOthers(): Promise<string> {
  const quiet = { isQuiet: true };
  const rest = await runTests([`--ignore=${PROGRAMS}`], quiet);
  const threaded = THREADED.map((name) => `tests/e2e/${name}_test.ts`);
  return rest + await runTests(threaded, { ...quiet, env: { ADIT_TEST_THREADS: "2" } });
}

async function runTests(files: readonly string[], options: RunOptions = {}): Promise<string> {
  const args = ["test", "-A", ...files];
  const run = await runDeno(args, options);
  const summary = parseSummary(run.stdout);
  passed += summary.passed;
  failed += summary.failed;
  failures.push(...failuresIn(run.stdout));
  if (summary.passed + summary.failed === 0 || (!run.success && summary.failed === 0)) fail(args, run);
  skipped += skippedIn(run.stdout).map((line) => `${line}\n`).join("");
  return run.stdout;
}

/** Counts what failed as a whole, and keeps the end of what it said. */
function fail(args: readonly string[], { stdout, stderr }: Run): void {
  failed++;
  const said = `${stdout}${stderr}`.split("\n").filter((line) => line.trim() !== "").slice(-LAST_LINES);
  failures.push([`deno ${args.join(" ")}`, ...said.map((line) => `    ${line}`)].join("\n"));
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly isQuiet?: boolean;
  /** `piped` also gives it back; not for tests, which may leave processes that keep it open. */
  readonly stderr?: "inherit" | "piped";
}

interface Run {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Deno in the repository; its output is shown as it comes, unless it is to be quiet, and given back. */
async function runDeno(
  args: readonly string[],
  { env = {}, isQuiet = false, stderr: kind = "inherit" }: RunOptions = {},
): Promise<Run> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: repositoryPath("."),
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: kind,
  }).spawn();
  let stderr = "";
  const end = () => {
    stderr += `\nended: it said nothing for ${SILENCE_MS / 60_000} minutes\n`;
    child.kill("SIGKILL");
  };
  let silence = setTimeout(end, SILENCE_MS);
  const readErrors = async () => {
    if (kind === "inherit") return;
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      stderr += text;
      await print(text, Deno.stderr);
    }
  };
  const errorsRead = readErrors();
  let stdout = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    clearTimeout(silence);
    silence = setTimeout(end, SILENCE_MS);
    stdout += text;
    if (!isQuiet) await print(text);
  }
  await errorsRead;
  const { success } = await child.status;
  clearTimeout(silence);
  return { success, stdout, stderr };
}

async function print(
  text: string,
  to: { write(bytes: Uint8Array): Promise<number> } = Deno.stdout,
): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += await to.write(bytes.subarray(written));
}
