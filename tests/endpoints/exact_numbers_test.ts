/** Integers that JavaScript would round, through the pipeline: in schemas, in calls of tools, in answers. */

import { equal, match, ok } from "node:assert/strict";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { startGateway } from "../fakes/gateway.ts";
import { CHAT } from "../gateway/requests.ts";
import { CONFIG, KEY, MESSAGES } from "./messages/requests.ts";

const ID = "12345678901234567890";
const MAX = "9223372036854775807";
const SCHEMA = `{"type":"object","properties":{"id":{"type":"integer","maximum":${MAX}}}}`;

const CONVERSE_ANSWER = `{"output":{"message":{"role":"assistant","content":[{"toolUse":
  {"toolUseId":"t2","name":"look_up","input":{"id":${ID}}}}]}},"stopReason":"tool_use"}`;
const INVOKE_ANSWER = `{"type":"message","role":"assistant","model":"c","content":[
  {"type":"tool_use","id":"t2","name":"look_up","input":{"id":${ID}}}],"stop_reason":"tool_use","usage":{}}`;

const chatRequest = `{"model":"nova","messages":[{"role":"user","content":"Hi"},
  {"role":"assistant","tool_calls":[{"id":"t1","type":"function",
    "function":{"name":"look_up","arguments":"{\\"id\\":${ID}}"}}]},
  {"role":"tool","tool_call_id":"t1","content":"seen"}],
  "tools":[{"type":"function","function":{"name":"look_up","parameters":${SCHEMA}}}]}`;
const messagesRequest = (model: string) =>
  `{"model":"${model}","max_tokens":9,"messages":[{"role":"user","content":"Hi"},
  {"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"look_up","input":{"id":${ID}}}]},
  {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"seen"}]}],
  "tools":[{"name":"look_up","input_schema":${SCHEMA}}]}`;

const CASES = [
  { name: "Chat", path: CHAT, body: chatRequest, answer: CONVERSE_ANSWER, told: `{\\"id\\":${ID}}` },
  { name: "Messages by Converse", path: MESSAGES, body: messagesRequest("nova"), answer: CONVERSE_ANSWER },
  { name: "Messages by InvokeModel", path: MESSAGES, body: messagesRequest("claude"), answer: INVOKE_ANSWER },
];

for (const { name, path, body, answer, told = `{"id":${ID}}` } of CASES) {
  Deno.test(`${name} keeps every digit, there and back`, async () => {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(path, { headers: KEY, body });
    const call = await gateway.bedrock.call(0);
    ok(call.init.body instanceof Uint8Array);
    const sent = decodeUtf8(call.init.body);
    ok(sent.includes(`{"id":${ID}}`), sent);
    ok(sent.includes(`"maximum":${MAX}`), sent);
    call.answerWhole(200, answer);
    const text = await (await response).text();
    ok(text.includes(told), text);
    await gateway.expectSettled(1);
  });
}

Deno.test("where a number is expected, one that is too long is refused with its path", async () => {
  const gateway = startGateway(CONFIG);
  const body = `{"model":"nova","messages":[{"role":"user","content":"Hi"}],"max_tokens":${ID}}`;
  const response = await gateway.send(CHAT, { headers: KEY, body }).response;
  equal(response.status, 400);
  match((await response.json()).error.message, /^max_tokens: expected an integer of at least 1, found /);
});
