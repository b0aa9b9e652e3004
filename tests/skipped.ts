/** Tests that this machine cannot run. */

const PREFIX = "skipped: ";

/** Reports that tests are not registered here, and why; the end of the gate lists it. */
export function reportSkipped(tests: string, reason: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${PREFIX}${tests}: ${reason}\n`));
}

/** The reports in the output of a run, each once, in order. */
export function skippedIn(output: string): readonly string[] {
  return [...new Set(output.split("\n").filter((line) => line.startsWith(PREFIX)))];
}
