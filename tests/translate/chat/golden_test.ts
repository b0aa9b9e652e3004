/** Every golden case of the Chat Completions translation. */

import assert from "node:assert/strict";
import { chatCases, runChatCase } from "../../suites/chat_golden.ts";

for (const path of chatCases()) {
  Deno.test(`golden chat: ${path}`, () => runChatCase(path));
}

Deno.test("the golden cases of chat are found", () => assert.ok(chatCases().length >= 80));
