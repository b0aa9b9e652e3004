/** The gate's verdict rests on this one line, whatever else the tests print. */

import assert from "node:assert/strict";
import { skippedIn } from "../skipped.ts";
import { parseSummary } from "../summary.ts";

const OUTPUTS: readonly (readonly [output: string, passed: number, failed: number])[] = [
  ["ok | 82 passed | 0 failed (2s)\n", 82, 0],
  [
    "\nFAILED | 48 passed (3 steps) | 2 failed (1 step) | 1 ignored | 3 filtered out (599ms)\n\nerror: Test failed\n",
    48,
    2,
  ],
  ["ok | 5 passed | 0 failed | 1 ignored (1 step) (3m12s)\n", 5, 0],
  ["ok | 0 passed | 0 failed | 7 filtered out (4ms)\n", 0, 0],
  ["running 1 test\nok | 9 passed | 0 failed (1ms)\nmore\nFAILED | 1 passed | 1 failed (2ms)\n", 1, 1],
  ["TS2322 [ERROR]: Type 'string' is not assignable to type 'number'.\n", 0, 0],
  ["", 0, 0],
];

Deno.test("the counts are those of the last summary line of deno test", () => {
  for (const [output, passed, failed] of OUTPUTS) {
    assert.deepEqual(parseSummary(output), { passed, failed }, output);
  }
});

Deno.test("what was skipped is found in the output, each once", () => {
  const output =
    "skipped: fish: not installed\nok\nskipped: boto3: not installed\nskipped: fish: not installed\n";
  assert.deepEqual(skippedIn(output), ["skipped: fish: not installed", "skipped: boto3: not installed"]);
  assert.deepEqual(skippedIn("a test is skipped: no\n"), []);
});
