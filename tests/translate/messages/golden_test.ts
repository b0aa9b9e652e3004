/** Every golden case of the Messages translation, on both Bedrock APIs. */

import assert from "node:assert/strict";
import { casePaths, GOLDEN } from "../../suites/golden_files.ts";
import { runConverse, runGolden, runInvoke } from "../../suites/messages_golden.ts";

const APIS = { invoke: runInvoke, converse: runConverse };

let count = 0;
for (const [api, run] of Object.entries(APIS)) {
  const folder = new URL(`messages-${api}/`, GOLDEN);
  for (const path of casePaths(folder, "client_request.json")) {
    count++;
    Deno.test(`golden messages by ${api}: ${path}`, () => runGolden(new URL(`${path}/`, folder), run));
  }
}

Deno.test("the golden cases of messages are found", () => assert.ok(count >= 60));
