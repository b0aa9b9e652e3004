/** Bedrock's own OpenAI and Anthropic APIs on the emulator: what they refuse, in the form of each API. */

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
    [
      "bedrock",
      RESPONSES,
      { model: `us.${GPT}`, input: [{ type: "agent_message" }] },
      400,
      /any expected variant/,
    ],
    ["bedrock", RESPONSES, { model: `us.${GPT}`, input: "hi", background: true }, 400, /background/],
    [
      "bedrock",
      RESPONSES,
      { model: `us.${GPT}`, input: "hi", future: 1 },
      400,
      /Unknown parameter: 'future'/,
    ],
    ["bedrock-mantle", MESSAGES, { ...CLAUDE, output_config: { format: {} } }, 400, /Extra inputs/],
    ["bedrock-mantle", MESSAGES, { ...CLAUDE, tools: [{ name: "f", strict: true }] }, 400, /strict/],
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
