/** Every golden case of the Chat Completions translation. */

import assert from "node:assert/strict";
import { chatCases, runChatCase } from "../../suites/chat_golden.ts";

for (const name of chatCases()) {
  Deno.test(`golden chat: ${name.replaceAll("_", " ")}`, () => runChatCase(name));
}

Deno.test("the golden cases of chat are there", () => assert.ok(chatCases().length >= 80));
