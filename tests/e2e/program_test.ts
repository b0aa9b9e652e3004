import assert from "node:assert/strict";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, runProgram, startProgram } from "./program.ts";

forEachRuntime("a streamed chat completion ends with [DONE] and one line in the log", async (runtime) => {
  await using program = await startProgram({ runtime, config: emulatorConfig() });
  const response = await fetch(`${program.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ model: "claude", stream: true, messages: [{ role: "user", content: "Hello" }] }),
  });
  const text = await response.text();
  assert.equal(response.status, 200);
  assert.match(text, /"finish_reason":"stop"\}\]\}\n\ndata: \[DONE\]\n\n$/);
  const line = await program.waitForLog(({ message }) => message === "request");
  assert.equal(line["request_id"], response.headers.get("x-request-id"));
  assert.equal(line["caller"], "demo");
  assert.equal(program.stderr, "");
});

forEachRuntime(
  "the exit code is 2 for wrong usage and 1 for a configuration that is not there",
  async (runtime) => {
    const wrong = await runProgram(runtime, ["serve", "--port", "80"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--port/);
    const missing = await runProgram(runtime, ["serve", "--config", "/nowhere/adit.yaml"]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^\/nowhere\/adit\.yaml:1:1: cannot read the file: no such file\n$/);
  },
);
