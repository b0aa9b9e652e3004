/** Which operation a Messages request becomes, where what it asks for decides and not the model alone. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import type { JsonObject } from "../../../lib/base/json.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { caller, model, provider, snapshot } from "../../fakes/snapshot.ts";
import { accumulateMessage } from "../../suites/anthropic_client.ts";
import { COUNT_TOKENS, MESSAGES } from "./requests.ts";

const EAST = provider("east", "us-east-1");
const TEAM = caller("team", { models: new Set(["haiku", "opus", "llama"]) });
const CONFIG = snapshot({
  models: [
    model("haiku", EAST, "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
    model("opus", EAST, "us.anthropic.claude-opus-4-8"),
    model("llama", EAST, "us.meta.llama3-3-70b-instruct-v1:0"),
  ],
  callers: [TEAM],
});

interface Sent {
  readonly operation: string | undefined;
  readonly body: JsonObject;
}

interface Asked {
  readonly members: JsonObject;
  /** What the upstream answers. */
  readonly answer: JsonObject;
  readonly path?: string;
}

/** Sends a request and gives what went upstream and what came back. */
async function ask({ members, answer, path = MESSAGES }: Asked): Promise<[Sent, Response]> {
  const gateway = startGateway(CONFIG);
  const body = { max_tokens: 100, messages: [{ role: "user", content: "Hi" }], ...members };
  const { response } = gateway.send(path, { headers: { "x-api-key": TEAM.key }, body: JSON.stringify(body) });
  const call = await gateway.bedrock.call(0);
  ok(call.init.body instanceof Uint8Array);
  const sent = JSON.parse(decodeUtf8(call.init.body));
  call.answerWhole(200, JSON.stringify(answer), { "x-amzn-requestid": "r-1" });
  const received = await response;
  const text = await received.text();
  await gateway.expectSettled(1);
  return [
    { operation: new URL(call.url).pathname.split("/").at(-1), body: sent },
    new Response(text, received),
  ];
}

const USAGE = { inputTokens: 1, outputTokens: 2, totalTokens: 3 };
const converseAnswer = (content: readonly JsonObject[], stopReason: string): JsonObject => ({
  output: { message: { role: "assistant", content } },
  stopReason,
  usage: USAGE,
});

const CALL = { toolUse: { toolUseId: "t1", name: "shot", input: { a: "\ud83d" } } };
const TOOLS = { tools: [{ name: "shot", input_schema: { type: "object" } }] };

Deno.test("a stream with tools is made from a whole answer if the model cannot stream tools", async () => {
  const [sent, response] = await ask({
    members: { model: "llama", stream: true, ...TOOLS },
    answer: converseAnswer([{ text: "I look." }, CALL], "end_turn"),
  });
  equal(sent.operation, "converse");
  match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  const message = await accumulateMessage(await response.text());
  deepEqual(message.content, [
    { type: "text", text: "I look." },
    { type: "tool_use", id: "t1", name: "shot", input: { a: "\ufffd" } },
  ]);
  equal(message.stop_reason, "tool_use");
});

Deno.test("the same model streams by itself where there are no tools", async () => {
  const [sent] = await ask({ members: { model: "llama", stream: true }, answer: {} });
  equal(sent.operation, "converse-stream");
});

const FORMAT = (schema: JsonObject) => ({ output_config: { format: { type: "json_schema", schema } } });
const CLOSED = { type: "object", properties: { n: { type: "integer" } }, additionalProperties: false };

Deno.test("a format is sent by InvokeModel if the model accepts the schema, otherwise by a tool", async () => {
  const message = { type: "message", role: "assistant", content: [], stop_reason: "end_turn" };
  const [native] = await ask({ members: { model: "haiku", ...FORMAT(CLOSED) }, answer: message });
  deepEqual([native.operation, native.body.output_config], ["invoke", FORMAT(CLOSED).output_config]);

  const answer = converseAnswer(
    [{ toolUse: { toolUseId: "t1", name: "answer", input: { n: 1 } } }],
    "tool_use",
  );
  const open = { type: "object", additionalProperties: { type: "string" } };
  for (const members of [{ model: "opus", ...FORMAT(CLOSED) }, { model: "haiku", ...FORMAT(open) }]) {
    const [sent, response] = await ask({ members, answer });
    equal(sent.operation, "converse");
    deepEqual((await response.json()).content, [{ type: "text", text: '{"n":1}' }]);
    const [counted] = await ask({ members, answer: { inputTokens: 5 }, path: COUNT_TOKENS });
    deepEqual(Object.keys(counted.body.input as JsonObject), ["converse"]);
  }
});

Deno.test("half a character in a request goes upstream as U+FFFD on every way", async () => {
  const messages = [{ role: "user", content: "a \ud83d b" }];
  for (const name of ["haiku", "llama"]) {
    const [{ body }] = await ask({ members: { model: name, messages }, answer: {} });
    match(JSON.stringify(body.messages), /"a \ufffd b"/);
  }
});
