/** The real Codex over Responses, against the real program and its emulator. */

import assert from "node:assert/strict";
import { emulatorConfig, KEY } from "./configs.ts";
import { NATIVE_CONFIG, PAIR } from "./native_config.ts";
import { type LogLine, type Program, startProgram } from "./program.ts";
import { clientProgramTest, type Workplace } from "./real_clients.ts";

const HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const MODELS = {
  opus: "us.anthropic.claude-opus-4-8",
  "gpt-oss": "openai.gpt-oss-120b-1:0",
  throttled: `${HAIKU}.fault-first:1.fault-throttling`,
  quota: `${HAIKU}.fault-first:1.fault-quota`,
  "throttled-late": `${HAIKU}.fault-first:1.fault-stream-throttling`,
  cut: `${HAIKU}.fault-first:1.fault-end:4`,
  "too-long": `${HAIKU}.fault-stream-validation`,
};

const start = () => startProgram("bun", emulatorConfig(MODELS));

/** Settings of the provider, in addition to its address. */
interface ProviderSettings {
  /** Whether Codex asks the gateway for its models. */
  readonly catalog?: boolean;
  readonly supports_websockets?: boolean;
}

/** Codex's configuration, as options of its command line. */
function settingsOf({ url }: Program, { catalog = true, ...more }: ProviderSettings = {}): readonly string[] {
  const provider = {
    name: "Adit",
    base_url: `${url}/v1`,
    env_key: "ADIT_KEY",
    wire_api: "responses",
    ...catalog && { model_catalog_url: `${url}/v1/models` },
    ...more,
  };
  return [
    "model_provider=adit",
    ...Object.entries(provider).map(([name, value]) =>
      `model_providers.adit.${name}=${JSON.stringify(value)}`
    ),
  ].flatMap((setting) => ["--config", setting]);
}

interface Turn {
  readonly model: string;
  readonly prompt: string;
  readonly more?: readonly string[];
}

/** The members that the tests use of the JSON that `codex exec --json` prints. */
interface CodexEvent {
  readonly type: string;
  readonly item?: {
    readonly type: string;
    readonly text?: string;
    readonly message?: string;
    readonly status?: string;
  };
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number };
}

async function runTurn(
  workplace: Workplace,
  settings: readonly string[],
  { model, prompt, more = [] }: Turn,
  env: Readonly<Record<string, string>> = { ADIT_KEY: KEY },
): Promise<CodexEvent[]> {
  const args = ["exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"];
  const { stdout, stderr } = await workplace.run(
    [...args, ...settings, ...more, "--model", model, prompt],
    env,
  );
  const lines = stdout.trim().split("\n").filter((line) => line.startsWith("{"));
  assert.ok(lines.length > 0, stderr);
  return lines.map((line) => JSON.parse(line));
}

/** The texts of the model's messages. */
function answers(events: readonly CodexEvent[]): (string | undefined)[] {
  return events.flatMap(({ type, item }) =>
    type === "item.completed" && item?.type === "agent_message" ? [item.text] : []
  );
}

/** The log lines of the requests to a path; ends the program, because only then the log is complete. */
async function requestsTo(program: Program, pathEnd: string, asked = "POST"): Promise<LogLine[]> {
  await program.stop();
  return program.logs.filter(({ message, path, method }) =>
    message === "request" && String(path).endsWith(pathEnd) && method === asked
  );
}

/** The logged requests for responses; ends the program. */
function asked(program: Program): Promise<LogLine[]> {
  return requestsTo(program, "/v1/responses");
}

/** Once the emulated model has read the notes, they make it call the tool with a patch for themselves. */
async function writeNotes({ folder }: Workplace, tool = "apply_patch"): Promise<string> {
  const patch = "*** Begin Patch\n*** Update File: notes.txt\n@@\n-color: red\n+color: blue\n*** End Patch\n";
  const path = `${folder}/notes.txt`;
  await Deno.writeTextFile(path, `color: red\nthen call ${tool} ${JSON.stringify({ input: patch })}\n`);
  return path;
}

for (const model of ["claude", "gpt-oss"]) {
  clientProgramTest("codex", `a session reads a file and patches it, with ${model}`, async (workplace) => {
    await using program = await start();
    const notes = await writeNotes(workplace);
    const prompt = 'exec_command {"cmd":"cat notes.txt"}';
    const events = await runTurn(workplace, settingsOf(program), { model, prompt });
    const done = events.filter(({ type, item }) => type === "item.completed" && item?.status === "completed");
    assert.deepEqual(done.map(({ item }) => item?.type), ["command_execution", "file_change"]);
    assert.match(answers(events).at(-1) ?? "", /apply_patch: [^]*Success/);
    assert.deepEqual(events.filter(({ item }) => item?.type === "error"), [], "the model is in the catalog");
    assert.match(await Deno.readTextFile(notes), /^color: blue\n/);
    assert.deepEqual((await asked(program)).map(({ status }) => status), [200, 200, 200]);
    const usage = events.at(-1)?.usage;
    assert.ok(usage !== undefined && usage.input_tokens > 3000 && usage.output_tokens > 0);
    const thoughts = events.filter(({ item }) => item?.type === "reasoning");
    assert.equal(thoughts.length > 0, model === "gpt-oss");
  });
}

clientProgramTest("codex", "signed reasoning is sent back between the calls of a turn", async (workplace) => {
  await using program = await start();
  const prompt = 'exec_command {"cmd":"true"}';
  const more = ["--config", "model_reasoning_effort=high"];
  const events = await runTurn(workplace, settingsOf(program), { model: "opus", prompt, more });
  assert.equal(events.at(-1)?.type, "turn.completed");
  assert.ok(events.some(({ item }) => item?.type === "reasoning"), "its summary is shown");
  const requests = await asked(program);
  assert.equal(requests.length, 2);
  for (const { status, ignored } of requests) {
    assert.deepEqual([status, ignored], [200, ["prompt_cache_key", "tools[web_search]"]]);
  }
});

for (
  const [model, status, error] of [
    ["throttled", 429, "rate_limit_exceeded"],
    ["throttled-late", 200, "rate_limit_exceeded"],
    ["quota", 429, "insufficient_quota"],
  ] as const
) {
  clientProgramTest("codex", `a turn with ${model} is tried again`, async (workplace) => {
    await using program = await start();
    const turn = { model, prompt: "Reply with: worth the wait" };
    const events = await runTurn(workplace, settingsOf(program), turn);
    assert.deepEqual(answers(events), ["worth the wait"]);
    assert.deepEqual((await asked(program)).map((line) => [line["status"], line["error"]]), [
      [status, error],
      [200, undefined],
    ]);
  });
}

clientProgramTest(
  "codex",
  "an input that is too long ends the turn, and Codex shows the reason",
  async (workplace) => {
    await using program = await start();
    const events = await runTurn(workplace, settingsOf(program), { model: "too-long", prompt: "Hi" });
    assert.equal(events.at(-1)?.type, "turn.failed");
    assert.match(JSON.stringify(events.at(-1)), /ran out of room in the model's context window/);
    assert.equal((await asked(program)).length, 1);
  },
);

clientProgramTest("codex", "a stream that is cut off is not a response", async (workplace) => {
  await using program = await start();
  const turn = { model: "cut", prompt: "Reply with: all of it" };
  const events = await runTurn(workplace, settingsOf(program), turn);
  assert.deepEqual(answers(events), ["all of it"]);
  assert.deepEqual((await asked(program)).map(({ status, error }) => [status, error]), [
    [200, "stream_truncated"],
    [200, undefined],
  ]);
});

clientProgramTest("codex", "without a WebSocket, it continues over HTTP at once", async (workplace) => {
  await using program = await start();
  const settings = settingsOf(program, { supports_websockets: true });
  const turn = { model: "claude", prompt: "Reply with: over HTTP" };
  assert.deepEqual(answers(await runTurn(workplace, settings, turn)), ["over HTTP"]);
  const sockets = await requestsTo(program, "/v1/responses", "GET");
  assert.deepEqual(sockets.map(({ status }) => status), [426]);
});

clientProgramTest("codex", "a model without a catalog patches by shell", async (workplace) => {
  await using program = await start();
  const turn = { model: "claude", prompt: `exec_command {"cmd":"echo color: green > notes.txt"}` };
  const events = await runTurn(workplace, settingsOf(program, { catalog: false }), turn);
  assert.equal(events.at(-1)?.type, "turn.completed");
  assert.equal(await Deno.readTextFile(`${workplace.folder}/notes.txt`), "color: green\n");
});

const GPT = "openai.gpt-5.6-sol";

/** Models whose requests are passed on: by Codex's own names for them, and by others. */
const PASSED_ON = `  ${GPT}: { provider: east, id: ${GPT}, responses: mantle, hoist_tools: true }
  global.${GPT}: { provider: east, id: global.${GPT}, responses: runtime }
  gpt: { provider: east, id: global.${GPT}, responses: runtime, drop_tools: [web_search] }
  gpt-throttled: { provider: east, id: "global.${GPT}.fault-first:1.fault-throttling", responses: runtime, drop_tools: [web_search] }
  gpt-cut: { provider: east, id: "global.${GPT}.fault-first:1.fault-cut:4", responses: runtime, drop_tools: [web_search] }
`;

const startPassingOn = () =>
  startProgram("bun", NATIVE_CONFIG.replace("callers:\n", `${PASSED_ON}callers:\n`));

/** Only the address of a provider that Codex has built in. */
function addressOf(provider: string, { url }: Program): readonly string[] {
  return [
    ...["--config", `model_provider=${provider}`],
    ...["--config", `model_providers.${provider}.base_url="${url}/openai/v1"`],
  ];
}

/** The key pair and the region of Codex's signatures. */
const KEY_PAIR = {
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: PAIR.accessKeyId,
  AWS_SECRET_ACCESS_KEY: PAIR.secretAccessKey,
};

for (const provider of ["amazon-bedrock", "amazon-bedrock-runtime"]) {
  clientProgramTest("codex", `its own provider ${provider} needs only another address`, async (workplace) => {
    await using program = await startProgram("bun", NATIVE_CONFIG);
    // Here, Codex offers its tools in an item of the input.
    const turn = { model: "claude", prompt: 'functions__exec_command {"cmd":"echo over $((40 + 2)) paths"}' };
    for (const env of [{ AWS_REGION: "us-east-1", AWS_BEARER_TOKEN_BEDROCK: KEY }, KEY_PAIR]) {
      const events = await runTurn(workplace, addressOf(provider, program), turn, env);
      assert.match(answers(events).at(-1) ?? "", /over 42 paths/);
    }
  });
}

/** The APIs to which a model's requests are passed on, with the names of its tools there. */
const WAYS: readonly (readonly [
  name: string,
  settings: (program: Program) => readonly string[],
  model: string,
  tools: { readonly shell: string; readonly patch: string },
])[] = [
  ["Adit's catalog", settingsOf, "gpt", { shell: "exec_command", patch: "apply_patch" }],
  ...[["amazon-bedrock", GPT], ["amazon-bedrock-runtime", `global.${GPT}`]].map((
    [provider = "", model = ""],
  ) =>
    [
      `its own provider ${provider}`,
      (program: Program) => addressOf(provider, program),
      model,
      { shell: "functions__exec_command", patch: "functions__apply_patch" },
    ] as const
  ),
];

for (const [name, settings, model, { shell, patch }] of WAYS) {
  clientProgramTest("codex", `a session on a model that is passed on, by ${name}`, async (workplace) => {
    await using program = await startPassingOn();
    const notes = await writeNotes(workplace, patch);
    const prompt = `${shell} {"cmd":"cat notes.txt"}`;
    const env = { ADIT_KEY: KEY, ...KEY_PAIR };
    const events = await runTurn(workplace, settings(program), { model, prompt }, env);
    const done = events.filter(({ type, item }) => type === "item.completed" && item?.status === "completed");
    assert.deepEqual(done.map(({ item }) => item?.type), ["command_execution", "file_change"]);
    assert.match(answers(events).at(-1) ?? "", /Success/);
    assert.deepEqual(events.filter(({ item }) => item?.type === "error"), [], "Codex knows the model");
    assert.match(await Deno.readTextFile(notes), /^color: blue\n/);
    const requests = await requestsTo(program, "/responses");
    assert.deepEqual(requests.map(({ status }) => status), [200, 200, 200]);
  });
}

for (
  const [model, status, error] of [["gpt-throttled", 429, "rate_limit_exceeded"], [
    "gpt-cut",
    200,
    "stream_truncated",
  ]] as const
) {
  clientProgramTest("codex", `a turn with ${model} is tried again`, async (workplace) => {
    await using program = await startPassingOn();
    const events = await runTurn(workplace, settingsOf(program), { model, prompt: "Reply with: all of it" });
    assert.deepEqual(answers(events), ["all of it"]);
    assert.deepEqual((await asked(program)).map((line) => [line["status"], line["error"]]), [
      [status, error],
      [200, undefined],
    ]);
  });
}
