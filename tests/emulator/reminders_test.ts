/** Context in the user's turn that the emulated model does not treat as a request. */

import assert from "node:assert/strict";
import { ask, CLAUDE, pathOf, postTo } from "./harness.ts";

const TOOLS = [{ toolSpec: { name: "Bash", inputSchema: { json: { type: "object" } } } }];

async function answerTo(...texts: readonly string[]): Promise<string> {
  const messages = [{ ...ask(""), content: texts.map((text) => ({ text })) }];
  const response = await postTo()(pathOf(CLAUDE, "converse"), { messages, toolConfig: { tools: TOOLS } });
  return JSON.stringify((await response.json()).output.message.content);
}

Deno.test("a tool that only a reminder mentions is not called, and a reminder is not quoted", async () => {
  const reminder = "<system-reminder>\nUse Bash with care\n</system-reminder>\n";
  const answer = await answerTo(reminder, "Say hello", reminder);
  assert.match(answer, /You said: \\"Say hello/);
  assert.doesNotMatch(answer, /toolUse|care/);
});

Deno.test("a tool that is asked for next to a reminder is called", async () => {
  assert.match(await answerTo("<system-reminder>\nx\n</system-reminder>", "Bash, please"), /"name":"Bash"/);
});
