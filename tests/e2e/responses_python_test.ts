/** OpenAI's Python client and Agents SDK over Responses, in front of the real program and its emulator. */

import assert from "node:assert/strict";
import { repositoryPath } from "../repository.ts";
import { reportSkipped } from "../skipped.ts";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";

const MODELS = {
  opus: "us.anthropic.claude-opus-4-8",
  cut: "us.anthropic.claude-haiku-4-5-20251001-v1:0.fault-end:4",
};

/** The virtual environment that `make test` makes where Python has the module for it and can reach packages. */
const FOLDER = Deno.env.get("ADIT_CLIENTS") ?? repositoryPath(".tools/clients");
const PYTHON = `${FOLDER}/python/bin/python`;

function isInstalled(): boolean {
  try {
    return Deno.statSync(PYTHON).isFile;
  } catch {
    return false;
  }
}

async function runClients(url: string): Promise<unknown> {
  const { success, stdout, stderr } = await new Deno.Command(PYTHON, {
    args: [repositoryPath("tests/e2e/fixtures/responses_clients.py"), `${url}/v1`],
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", HOME: "/nonexistent", ADIT_KEY: KEY },
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const LOOP = ["response.created", "response.completed"];
const ANSWER = "Here is what the tools returned. get_weather: sun";
const AGENT = "Here is what the tools returned. get_orders: three orders of 7";

if (isInstalled()) {
  forEachRuntime("python: openai and openai-agents over Responses", async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig(MODELS));
    assert.deepEqual(await runClients(program.url), {
      loop: [[...LOOP, ANSWER, true], [...LOOP, ANSWER, true]],
      parsed: "Person",
      cut: "RuntimeError",
      bedrock: ["over Bedrock's path", "over Bedrock's path"],
      state: "BadRequestError",
      agent: [true, AGENT, "done", []],
      "thinking agent": [true, AGENT, "done", ["adit1.", "adit1.", "adit1.", "adit1."]],
    });
    const ignored = program.logs.flatMap(({ ignored }) => Array.isArray(ignored) ? ignored : []);
    assert.ok(!ignored.includes("input[reasoning]"), "every thought came back");
  });
} else {
  reportSkipped("openai for Python", "it is not installed; make test installs it");
}
