/** The gate's verdict rests on this one line, whatever else the tests print. */

import assert from "node:assert/strict";
import { skippedIn } from "../skipped.ts";
import { failuresIn, parseSummary } from "../summary.ts";

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

/** What deno test 2.9.6 prints at the end: a test with a comparison, a step, and an error of no test. */
const FAILED = ` FAILURES
 of a test that prints the word

 ERRORS 

one fails => ./tests/a_test.ts:2:6
error: AssertionError: Expected values to be strictly deep-equal:
+ actual - expected

+ 1
- 2

    at file:///tests/a_test.ts:2:39

two: has steps ... inner => odd => ./tests/a_test.ts:3:52
error: Error: inner${"\n    at somewhere".repeat(40)}

./tests/b_test.ts (uncaught error)
error: (in promise) Error: ${"x".repeat(1_000)}

 FAILURES 

one fails => ./tests/a_test.ts:2:6
two: has steps ... inner => odd => ./tests/a_test.ts:3:52
./tests/b_test.ts (uncaught error)

FAILED | 2 passed (1 step) | 3 failed (1 step) (189ms)
`;

Deno.test("the tests that failed are found in the output, with the beginning of their errors", () => {
  const [first, second, third, ...more] = failuresIn(FAILED);
  assert.deepEqual(more, []);
  assert.equal(
    first,
    `one fails => ./tests/a_test.ts:2:6
    error: AssertionError: Expected values to be strictly deep-equal:
    + actual - expected
    + 1
    - 2
        at file:///tests/a_test.ts:2:39`,
  );
  const lines = second?.split("\n") ?? [];
  assert.deepEqual(lines.slice(0, 2), [
    "two: has steps ... inner => odd => ./tests/a_test.ts:3:52",
    "    error: Error: inner",
  ]);
  assert.equal(lines.length, 13, "a long error is cut off");
  assert.match(
    third ?? "",
    /^\.\/tests\/b_test\.ts \(uncaught error\)\n {4}error: \(in promise\) Error: x{200,300}$/,
  );
  assert.deepEqual(failuresIn("ok | 82 passed | 0 failed (2s)\n"), []);
});
