/** Every golden case of the Messages translation, on both ways to Bedrock. */

import assert from "node:assert/strict";
import { caseNames } from "../../suites/golden_files.ts";
import { runConverse, runGolden, runInvoke } from "../../suites/messages_golden.ts";

const WAYS = { invoke: runInvoke, converse: runConverse };

let count = 0;
for (const [way, run] of Object.entries(WAYS)) {
  const folder = new URL(`../../golden/messages-${way}/`, import.meta.url);
  for (const name of caseNames(folder)) {
    count++;
    Deno.test(`golden messages by ${way}: ${name.replaceAll("_", " ")}`, () =>
      runGolden(new URL(`${name}/`, folder), run));
  }
}

Deno.test("the golden cases of messages are there", () => assert.ok(count >= 60));
