/** Reads the counts off the last line of `deno test`. */

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
