/** Bedrock's own OpenAI and Anthropic APIs on the emulator: their refusals, in the form of each API. */

import assert from "node:assert/strict";
import { sigV4Signer } from "../../lib/aws/sigv4/sign.ts";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { createEmulator } from "../../lib/emulator/emulator.ts";
import { EMULATOR_CREDENTIALS } from "../../lib/emulator/server/credentials.ts";
import { fixedClock } from "./harness.ts";

const NOW = Date.UTC(2026, 10, 26);
const GPT = "openai.gpt-5.6-sol";
const HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0";
const CHAT = "/openai/v1/chat/completions";
const RESPONSES = "/openai/v1/responses";
const MESSAGES = "/anthropic/v1/messages";

const sign = sigV4Signer({ ...EMULATOR_CREDENTIALS, region: "us-east-1" });

async function post(service: string, path: string, value: object, version = "2023-06-01"): Promise<Response> {
  const body = encodeUtf8(JSON.stringify(value));
  const url = `https://bedrock.test${path}`;
  const headers = new Headers({ "content-type": "application/json", "anthropic-version": version });
  const signed = await sign({ method: "POST", url, headers, body, service }, NOW);
  return await createEmulator({ clock: fixedClock(NOW) })
    .handle(new Request(url, { method: "POST", headers: signed, body }));
}

const USER = [{ role: "user", content: "hi" }];
const CLAUDE = { model: HAIKU, max_tokens: 9, messages: USER };

const REFUSED:
  readonly (readonly [service: string, path: string, body: object, status: number, text: RegExp])[] = [
    ["bedrock", CHAT, { model: GPT, messages: USER }, 400, /on-demand throughput/],
    ["bedrock-mantle", CHAT, { model: `us.${GPT}`, messages: USER }, 404, /does not exist/],
    [
      "bedrock",
      CHAT,
      { model: "amazon.nova-lite-v1:0", messages: USER },
      400,
      /does not support the '\/v1\/chat/,
    ],
    ["bedrock", CHAT, { model: `us.${HAIKU}`, messages: USER }, 400, /does not support/],
    ["bedrock", CHAT, { messages: USER }, 400, /model is required/],
    ["bedrock", CHAT, { model: `us.${GPT}`, messages: USER, stop: "x" }, 400, /stop/i],
    ["bedrock", RESPONSES, { model: "openai.gpt-oss-20b-1:0", input: "hi" }, 400, /'\/v1\/responses' API/],
    [
      "bedrock",
      RESPONSES,
      { model: `us.${GPT}`, input: "hi", tools: [{ type: "web_search" }] },
      400,
      /web_search/,
    ],
    [
      "bedrock-mantle",
      RESPONSES,
      { model: GPT, input: "hi", tools: [{ type: "computer" }] },
      400,
      /computer/,
    ],
    ["bedrock", RESPONSES, { model: `us.${GPT}`, input: "hi", background: true }, 400, /background/],
    ...(["agent_message", "context_compaction", "local_shell_call"] as const).flatMap((type) => [
      ["bedrock", RESPONSES, { model: `us.${GPT}`, input: [{ type }] }, 400, /any expected variant/] as const,
      ["bedrock-mantle", RESPONSES, { model: GPT, input: [{ type }] }, 400, /any expected variant/] as const,
    ]),
    [
      "bedrock",
      RESPONSES,
      {
        model: `us.${GPT}`,
        input: [{ role: "user", content: [{ type: "input_image", image_url: "https://a.b/c.png" }] }],
      },
      400,
      /only data and s3 URLs/,
    ],
    [
      "bedrock-mantle",
      RESPONSES,
      { model: GPT, input: "hi", reasoning: { summary: "detailed" } },
      400,
      /reasoning/,
    ],
    ["bedrock-mantle", RESPONSES, { model: GPT, input: "hi", service_tier: "flex" }, 400, /service_tier/],
    [
      "bedrock",
      RESPONSES,
      { model: `us.${GPT}`, input: "hi", future: 1 },
      400,
      /Unknown parameter: 'future'/,
    ],
    [
      "bedrock",
      RESPONSES,
      { model: `us.${GPT}`, input: "hi", tools: [{ type: "function", name: "a b" }] },
      400,
      /Invalid 'tools'/,
    ],
    ["bedrock-mantle", MESSAGES, { ...CLAUDE, output_config: { format: {} } }, 400, /Extra inputs/],
    [
      "bedrock-mantle",
      MESSAGES,
      { ...CLAUDE, tools: [{ name: "f" }, { name: "g", strict: true }] },
      400,
      /^tools\.1\.custom\.strict/,
    ],
    ["bedrock-mantle", MESSAGES, { ...CLAUDE, model: GPT }, 400, /does not support/],
  ];

for (const [service, path, body, status, text] of REFUSED) {
  Deno.test(`${service} refuses ${path} with ${JSON.stringify(body).slice(0, 90)}`, async () => {
    const response = await post(service, path, body);
    assert.equal(response.status, status);
    const { type, error } = await response.json();
    assert.match(error.message, text);
    assert.equal(type, path === MESSAGES ? "error" : undefined);
    assert.equal(error.code, path === MESSAGES ? undefined : "validation_error");
  });
}

const EXEC = { type: "function", name: "exec", parameters: { type: "object", properties: {} } };
const PATCH = { type: "custom", name: "apply_patch", format: { type: "text" } };
const LITE = [
  {
    type: "additional_tools",
    role: "developer",
    tools: [{ type: "namespace", name: "functions", tools: [EXEC, PATCH] }],
  },
  { role: "user", content: 'functions__apply_patch {"input":"*** Begin"}' },
];

/** The calls in a response, with the members that clients use. */
async function callsOf(response: Response): Promise<unknown[]> {
  const { output } = await response.json();
  return output.filter(({ type }: { type: string }) => type.endsWith("_call"));
}

Deno.test("tools in items are offered at the runtime endpoint, and refused at the mantle endpoint", async () => {
  const response = await post("bedrock", RESPONSES, { model: `us.${GPT}`, input: LITE });
  assert.equal(response.status, 200);
  const [call] = await callsOf(response) as [{ id: string; call_id: string }];
  const { id: _id, call_id, ...rest } = call;
  assert.match(call_id, /^call_\w{20,}/);
  assert.deepEqual(rest, {
    type: "custom_tool_call",
    status: "completed",
    namespace: "functions",
    name: "apply_patch",
    input: "*** Begin",
  });
  const refused = await post("bedrock-mantle", RESPONSES, { model: GPT, input: LITE });
  assert.equal(refused.status, 400);
  assert.match((await refused.json()).error.message, /any expected variant/);
});

Deno.test("both endpoints take calls of every kind back, and at the mantle endpoint ids start at 0 in each response", async () => {
  const history = (id: string) => [
    { role: "user", content: "go on" },
    { type: "custom_tool_call", call_id: `${id}0`, name: "apply_patch", namespace: "functions", input: "x" },
    { type: "custom_tool_call_output", call_id: `${id}0`, output: [{ type: "input_text", text: "patched" }] },
    { type: "function_call", call_id: `${id}1`, name: "exec", arguments: "{}" },
    { type: "function_call_output", call_id: `${id}1`, output: "then call tool_search" },
  ];
  const search = { type: "tool_search", execution: "client", parameters: { type: "object", properties: {} } };
  for (
    const [service, model, id] of [["bedrock", `us.${GPT}`, /_\w{20,}0$/], [
      "bedrock-mantle",
      GPT,
      /^call_0$/,
    ]] as const
  ) {
    const body = { model, input: history("c"), tools: [EXEC, search] };
    const response = await post(service, RESPONSES, body);
    assert.equal(response.status, 200);
    const [call] = await callsOf(response) as [{ type: string; call_id: string }];
    assert.equal(call.type, "tool_search_call");
    assert.match(call.call_id, id);
    const found = [
      ...body.input,
      { ...call },
      { type: "tool_search_output", call_id: call.call_id, execution: "client", tools: [PATCH] },
    ];
    assert.equal((await post(service, RESPONSES, { ...body, input: found })).status, 200);
  }
});

Deno.test("call ids may contain any characters, and a tool's name and namespace may together be long", async () => {
  const [name, namespace] = ["n".repeat(60), "s".repeat(60)];
  const tools = [{ type: "namespace", name: namespace, tools: [{ type: "function", name }] }];
  const input = [
    { role: "user", content: "go on" },
    { type: "function_call", call_id: "\u00e9 \ud83d\udca7", namespace, name, arguments: "{}" },
    { type: "function_call_output", call_id: "\u00e9 \ud83d\udca7", output: "done" },
  ];
  for (const [service, model] of [["bedrock", `us.${GPT}`], ["bedrock-mantle", GPT]] as const) {
    assert.equal((await post(service, RESPONSES, { model, input, tools })).status, 200);
    const forced = { model, input: "hi", tools, tool_choice: { type: "function", namespace, name } };
    const [call] = await callsOf(await post(service, RESPONSES, forced)) as [
      { name: string; namespace: string },
    ];
    assert.deepEqual([call.namespace, call.name], [namespace, name]);
  }
});

Deno.test("reasoning is only accepted back unchanged", async () => {
  const body = { model: `us.${GPT}`, input: "hi", include: ["reasoning.encrypted_content"] };
  const { output: [thought] } = await (await post("bedrock", RESPONSES, body)).json();
  assert.equal(thought.type, "reasoning");
  const replay = (encrypted_content: string) => ({
    ...body,
    input: [...USER, { ...thought, encrypted_content }, { role: "assistant", content: "ho" }, ...USER],
  });
  assert.equal((await post("bedrock", RESPONSES, replay(thought.encrypted_content))).status, 200);
  const refused = await post("bedrock", RESPONSES, replay("gAAAAB"));
  assert.deepEqual([refused.status, (await refused.json()).error.code], [400, "invalid_encrypted_content"]);
});

Deno.test("Messages need the version of the API", async () => {
  assert.equal((await post("bedrock-mantle", MESSAGES, CLAUDE, "latest")).status, 400);
  assert.equal((await post("bedrock-mantle", MESSAGES, CLAUDE)).status, 200);
});

Deno.test("a stream of chat completions has usage only on request", async () => {
  for (const [options, expected] of [[undefined, false], [{ include_usage: true }, true]] as const) {
    const body = { model: `us.${GPT}`, messages: USER, stream: true, stream_options: options };
    const text = await (await post("bedrock", CHAT, body)).text();
    assert.ok(text.endsWith("data: [DONE]\n\n"));
    assert.equal(text.includes('"usage"'), expected);
  }
});
