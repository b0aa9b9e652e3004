/** Reads what `deno test` printed: the counts of its last line, and the tests that failed. */

export interface Summary {
  readonly passed: number;
  readonly failed: number;
}

const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \|[^\n]*)? \([^)\n]*\)$/gm;

/**
 * The counts of the last summary line, such as `ok | 5 passed (2 steps) | 0 failed | 1 ignored (3s)`; zeros where there
 * is none, because the tests did not compile or the process died.
 */
export function parseSummary(output: string): Summary {
  const [, passed = "0", failed = "0"] = [...output.matchAll(SUMMARY)].at(-1) ?? [];
  return { passed: Number(passed), failed: Number(failed) };
}

const ERRORS = "\n ERRORS \n\n";
const FAILURES = "\n FAILURES \n\n";

/** How much of an error is repeated: its message, and the first lines of a comparison. */
const ERROR_LINES = 12;
const LINE_LENGTH = 300;

/** The tests that failed, each as `NAME => FILE:LINE:COLUMN` with the first lines of its error indented after it. */
export function failuresIn(output: string): readonly string[] {
  const end = output.lastIndexOf(FAILURES);
  if (end < 0) return [];
  const [names = ""] = output.slice(end + FAILURES.length).split("\n\n");
  const failed = names.split("\n").filter((name) => name !== "");
  const start = output.lastIndexOf(ERRORS, end);
  const errors = start < 0 ? [] : output.slice(start + ERRORS.length, end).split("\n");
  let at = 0;
  return failed.map((name) => {
    const found = errors.indexOf(name, at);
    if (found < 0) return name;
    at = found + 1;
    return [name, ...beginningOf(errors.slice(at), failed)].join("\n");
  });
}

/** The first lines of an error, without those of other tests and without empty ones. */
function beginningOf(lines: readonly string[], names: readonly string[]): readonly string[] {
  const next = lines.findIndex((line) => names.includes(line));
  return lines.slice(0, next < 0 ? undefined : next)
    .filter((line) => line.trim() !== "")
    .slice(0, ERROR_LINES)
    .map((line) => `    ${line.slice(0, LINE_LENGTH)}`);
}
