/** Streams of a model that calls no tools in a stream: one whole answer of Converse, sent as a stream. */

import { deepEqual, equal, match } from "node:assert/strict";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import { USAGE } from "../../fakes/frames.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { model, provider, snapshot } from "../../fakes/snapshot.ts";
import { CHAT, chatBody, KEY, PARTS } from "../../gateway/requests.ts";

const LLAMA = snapshot({
  ...PARTS,
  models: [model("haiku", provider("east", "us-east-1"), "us.meta.llama3-3-70b-instruct-v1:0")],
});
const TOOLS = [{ type: "function", function: { name: "look" } }];
const BODY = chatBody({ stream: true, tools: TOOLS });
const CALLED = JSON.stringify({
  output: {
    message: {
      role: "assistant",
      content: [{ text: "I look." }, { toolUse: { toolUseId: "t1", name: "look", input: { a: 1 } } }],
    },
  },
  stopReason: "tool_use",
  usage: USAGE,
});

Deno.test("a streaming request with tools goes to Converse, and the answer comes as a stream that is recorded", async () => {
  const gateway = startGateway(LLAMA);
  const { response } = gateway.send(CHAT, { headers: KEY, body: BODY });
  const call = await gateway.bedrock.call(0);
  match(call.url, /\/converse$/);
  equal("stream" in JSON.parse(decodeUtf8(call.init.body ?? new Uint8Array())), false);
  call.answerWhole(200, CALLED);
  const answer = await response;
  equal(answer.status, 200);
  match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
  const text = await answer.text();
  match(text, /"content":"I look\."/);
  match(text, /"arguments":"{\\"a\\":1}"/);
  match(text, /"finish_reason":"tool_calls"/);
  equal(text.endsWith("data: [DONE]\n\n"), true);
  const [line] = await gateway.logLines();
  deepEqual([line?.["status"], line?.["stop_reason"]], [200, "tool_use"]);
  await gateway.expectSettled(1);
});

Deno.test("an error of Bedrock's is a status, not an event in a stream", async () => {
  const gateway = startGateway(LLAMA);
  const { response } = gateway.send(CHAT, { headers: KEY, body: BODY });
  const call = await gateway.bedrock.call(0);
  call.answerWhole(400, JSON.stringify({ message: "bad" }), { "x-amzn-requestid": "r-1" });
  equal((await response).status, 400);
  await gateway.expectSettled(1);
});

Deno.test("without tools the same model streams", async () => {
  const gateway = startGateway(LLAMA);
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody({ stream: true }) });
  const call = await gateway.bedrock.call(0);
  match(call.url, /\/converse-stream$/);
  call.answerWhole(400, JSON.stringify({ message: "bad" }), { "x-amzn-requestid": "r-1" });
  await response;
});
