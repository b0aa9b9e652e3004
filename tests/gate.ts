/**
 * The gate, the same here and in CI: checks, build, then every test against what was built. At the end are the tests that
 * were skipped, with the reason, and the last line says `N passed, N failed`; a step that fails counts as one, and so does a run in which no test was executed.
 */

import { repositoryPath } from "./repository.ts";
import { skippedIn } from "./skipped.ts";
import { parseSummary } from "./summary.ts";

const STEPS = [["task", "--quiet", "check"], ["task", "--quiet", "build"]];

let passed = 0;
let failed = 0;
for (const step of STEPS) {
  const { success } = await runDeno(step);
  if (!success) failed++;
}
const tests = await runDeno(["test", "-A"]);
const summary = parseSummary(tests.stdout);
passed += summary.passed;
failed += summary.failed;
if (summary.passed + summary.failed === 0 || (!tests.success && summary.failed === 0)) failed++;
const skipped = skippedIn(tests.stdout).map((line) => `${line}\n`).join("");
await Deno.stdout.write(new TextEncoder().encode(`${skipped}${passed} passed, ${failed} failed\n`));
Deno.exit(failed === 0 ? 0 : 1);

/** Runs Deno in the repository; its output is shown as it comes and given back. */
async function runDeno(args: readonly string[]): Promise<{ success: boolean; stdout: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: repositoryPath("."),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let stdout = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    stdout += text;
    await Deno.stdout.write(new TextEncoder().encode(text));
  }
  return { success: (await child.status).success, stdout };
}
