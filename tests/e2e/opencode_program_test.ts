/** The real opencode over Chat Completions, against the real program and its emulator. */

import assert from "node:assert/strict";
import { emulatorConfig, KEY } from "./configs.ts";
import { type Program, startProgram } from "./program.ts";
import { clientProgramTest, EDITED, type Workplace, writeNotes } from "./real_clients.ts";

const MODEL = "claude";

async function configure({ folder }: Workplace, { url }: Program): Promise<void> {
  const provider = {
    npm: "@ai-sdk/openai-compatible",
    options: { baseURL: `${url}/v1`, apiKey: KEY },
    models: { [MODEL]: {} },
  };
  const config = { provider: { adit: provider }, autoupdate: false, permission: { edit: "allow" } };
  await Deno.writeTextFile(`${folder}/opencode.json`, JSON.stringify(config));
}

clientProgramTest("opencode", "a tool loop reads a file and edits it", async (workplace) => {
  await using program = await startProgram("bun", emulatorConfig());
  await configure(workplace, program);
  const notes = await writeNotes(workplace, {
    tool: "edit",
    members: ["filePath", "oldString", "newString", "replaceAll"],
  });
  // As separate words, because it would quote them otherwise.
  const prompt = ["read", JSON.stringify({ filePath: notes })];
  const { code, stdout, stderr } = await workplace.run(
    ["run", "--model", `adit/${MODEL}`, "--format", "json", ...prompt],
    { OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1" },
  );
  assert.equal(code, 0, stderr);
  const events = stdout.trim().split("\n").map((line) => JSON.parse(line));
  const done = events.filter(({ part }) => part.type === "tool" && part.state.status === "completed");
  assert.deepEqual(done.map(({ part }) => part.tool), ["read", "edit"]);
  const texts = events.filter(({ part }) => part.type === "text").map(({ part }) => part.text);
  assert.match(texts.at(-1), /edit: Edit applied/);
  const text = await Deno.readTextFile(notes);
  assert.ok(text.includes(`\n${EDITED} {`) && !text.includes("then call"), text);
  await program.stop();
  const asked = program.logs.filter(({ message }) => message === "request");
  assert.deepEqual(
    new Set(asked.map(({ path, status }) => `${path} ${status}`)),
    new Set(["/v1/chat/completions 200"]),
  );
});
