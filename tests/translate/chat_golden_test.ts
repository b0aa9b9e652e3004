/** Every golden case of the Chat Completions translation. */

import assert from "node:assert/strict";
import { goldenCases, runGolden } from "../suites/chat_golden.ts";

for (const name of goldenCases()) {
  Deno.test(`golden chat: ${name.replaceAll("_", " ")}`, () => runGolden(name));
}

Deno.test("the golden cases of chat are there", () => assert.ok(goldenCases().length >= 80));
