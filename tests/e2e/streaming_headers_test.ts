/** Every streaming response makes proxies such as nginx pass it on without buffering. */

import assert from "node:assert/strict";
import { emulatorConfig } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";
import { type Ask, ask, statusOf } from "./requests.ts";

const MESSAGES = '"messages":[{"role":"user","content":"Hi"}]';
const CONVERSE = '{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}';
const CLAUDE = `{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,${MESSAGES}}`;

const STREAMS: readonly Ask[] = [
  { line: "POST /v1/chat/completions", body: `{"model":"nova","stream":true,${MESSAGES}}` },
  { line: "POST /compat/chat/completions", body: `{"model":"nova","stream":true,${MESSAGES}}` },
  { line: "POST /v1/messages", body: `{"model":"nova","max_tokens":9,"stream":true,${MESSAGES}}` },
  { line: "POST /v1/messages", body: `{"model":"claude","max_tokens":9,"stream":true,${MESSAGES}}` },
  { line: "POST /v1/responses", body: '{"model":"nova","stream":true,"input":"Hi"}' },
  { line: "POST /model/nova/converse-stream", body: CONVERSE },
  { line: "POST /model/amazon.nova-lite-v1:0/converse-stream", body: CONVERSE },
  { line: "POST /model/claude/invoke-with-response-stream", body: CLAUDE },
];

forEachRuntime("every streaming response has x-accel-buffering: no", async (runtime, t) => {
  await using program = await startProgram(runtime, emulatorConfig());
  for (const request of STREAMS) {
    await t.step(`${request.line} ${request.body?.slice(0, 24)}`, async () => {
      const answer = await ask(program.url, request);
      assert.equal(statusOf(answer), 200);
      assert.equal(answer.headers.get("x-accel-buffering"), "no");
    });
  }
});
