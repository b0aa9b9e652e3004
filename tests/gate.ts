/**
 * The gate, the same here and in CI: checks, build, then every test against what was built, and some once more with two
 * threads. At the end are the tests that were skipped, with the reason, and the last line says `N passed, N failed`; a step
 * that fails counts as one, and so does a run in which no test was executed.
 *
 * Tests of whole programs mostly wait for them, so that the others run at the same time; their output comes afterwards.
 */

import { repositoryPath } from "./repository.ts";
import { skippedIn } from "./skipped.ts";
import { parseSummary } from "./summary.ts";

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

let passed = 0;
let failed = 0;
for (const step of STEPS) {
  const { success } = await runDeno(step);
  if (!success) failed++;
}
let skipped = "";
const others = runOthers();
await runTests([PROGRAMS]);
await print(await others);
await print(`${skipped}${passed} passed, ${failed} failed\n`);
Deno.exit(failed === 0 ? 0 : 1);

/** Everything but the tests of whole programs, and some of those with two threads; resolves with the output. */
async function runOthers(): Promise<string> {
  const quiet = { isQuiet: true };
  const rest = await runTests([`--ignore=${PROGRAMS}`], quiet);
  const threaded = THREADED.map((name) => `tests/e2e/${name}_test.ts`);
  return rest + await runTests(threaded, { ...quiet, env: { ADIT_TEST_THREADS: "2" } });
}

async function runTests(files: readonly string[], options: RunOptions = {}): Promise<string> {
  const tests = await runDeno(["test", "-A", ...files], options);
  const summary = parseSummary(tests.stdout);
  passed += summary.passed;
  failed += summary.failed;
  if (summary.passed + summary.failed === 0 || (!tests.success && summary.failed === 0)) failed++;
  skipped += skippedIn(tests.stdout).map((line) => `${line}\n`).join("");
  return tests.stdout;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly isQuiet?: boolean;
}

/** Runs Deno in the repository; its output is shown as it comes, unless it is to be quiet, and given back. */
async function runDeno(
  args: readonly string[],
  { env = {}, isQuiet = false }: RunOptions = {},
): Promise<{ success: boolean; stdout: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: repositoryPath("."),
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let stdout = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    stdout += text;
    if (!isQuiet) await print(text);
  }
  return { success: (await child.status).success, stdout };
}

async function print(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += await Deno.stdout.write(bytes.subarray(written));
}
