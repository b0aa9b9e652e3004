/** OpenAI's Python client and Agents SDK and LangChain for Python, with the real program and its emulator. */

import assert from "node:assert/strict";
import { repositoryPath } from "../repository.ts";
import { reportSkipped } from "../skipped.ts";
import { KEY } from "./configs.ts";
import { NATIVE_CONFIG, PAIR, TITAN } from "./native_config.ts";
import { forEachRuntime, startProgram } from "./program.ts";

const CONFIG = NATIVE_CONFIG.replace(
  "callers:\n",
  `  opus: { provider: east, id: us.anthropic.claude-opus-4-8 }
  cut: { provider: east, id: "us.anthropic.claude-haiku-4-5-20251001-v1:0.fault-end:4" }
  titan: { provider: east, id: "${TITAN}" }
callers:
`,
);

/** The virtual environment that `make test` creates if Python has the module for it and can reach packages. */
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
    env: {
      PATH: "/usr/bin:/bin",
      HOME: "/nonexistent",
      ADIT_KEY: KEY,
      PAIR_ID: PAIR.accessKeyId,
      PAIR_SECRET: PAIR.secretAccessKey,
    },
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const LOOP = ["response.created", "response.completed"];
const ANSWER = "Here is what the tools returned. get_weather: sun";
const BOTH = ["over Bedrock's path", "over Bedrock's path"];
const CHAIN = ["get_weather", { place: "Rome" }, ANSWER];
const TOKENS =
  "input[0]: token arrays are not supported, send strings; with LangChain, set check_embedding_ctx_length=False";
const AGENT = "Here is what the tools returned. get_orders: three orders of 7";

if (isInstalled()) {
  forEachRuntime("python: openai, openai-agents and langchain-openai", async (runtime) => {
    await using program = await startProgram(runtime, CONFIG);
    assert.deepEqual(await runClients(program.url), {
      loop: [[...LOOP, ANSWER, true], [...LOOP, ANSWER, true]],
      parsed: "Person",
      cut: "RuntimeError",
      bedrock: [BOTH, BOTH],
      embeddings: [0, 1, 1024, true, 256],
      tokens: TOKENS,
      chain: [CHAIN, CHAIN],
      state: "BadRequestError",
      agent: [true, AGENT, "done", []],
      "thinking agent": [true, AGENT, "done", ["adit1.", "adit1.", "adit1.", "adit1."]],
    });
    await program.stop();
    const ignored = program.logs.flatMap(({ ignored }) => Array.isArray(ignored) ? ignored : []);
    assert.ok(!ignored.includes("input[reasoning]"), "every thought came back");
  });
} else {
  reportSkipped("openai for Python", "it is not installed; make test installs it");
}
