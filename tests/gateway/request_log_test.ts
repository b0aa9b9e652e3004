/** The request log: one line about everything but the content. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { encodeFrame } from "../../lib/codec/eventstream.ts";
import { converseFrames } from "../fakes/frames.ts";
import { type SendOptions, startGateway } from "../fakes/gateway.ts";
import { snapshot } from "../fakes/snapshot.ts";
import type { RequestRecord } from "../../lib/snapshot/record.ts";
import { START_MS } from "../fakes/time.ts";
import { ANSWER, CHAT, chatBody, CONFIG, CONVERSE, KEY, PARTS, SEARCH } from "./requests.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const START = converseFrames()[0] ?? encodeUtf8("");

Deno.test("a chat request is answered, and logged in one line without its content", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(`${CHAT}?beta=1`, { headers: KEY, body: chatBody() });
  const call = await gateway.bedrock.call(0);
  gateway.advance(1_200);
  call.answerWhole(200, ANSWER, { "x-amzn-requestid": "r-1" });
  const answer = await response;
  equal((await answer.json()).choices[0].message.content, "Hello");
  const [{ request_id: requestId, ...line } = {}] = await gateway.logLines();
  equal(answer.headers.get("x-request-id"), requestId);
  deepEqual(line, {
    time: new Date(START_MS + 1_200).toISOString(),
    level: "info",
    message: "request",
    caller: "search",
    remote_address: "192.0.2.7",
    method: "POST",
    path: CHAT,
    dialect: "openai",
    model: "haiku",
    provider: "east",
    region: "us-east-1",
    model_id: "anthropic.haiku-v1:0",
    target: "east",
    stream: false,
    status: 200,
    duration_ms: 1_200,
    first_byte_ms: 1_200,
    input_tokens: 7,
    output_tokens: 3,
    cache_read_tokens: 2,
    cache_write_tokens: 0,
    stop_reason: "end_turn",
    upstream_request_id: "r-1",
  });
  await gateway.expectSettled(1);
});

Deno.test("the client's user agent, request id and trace are in the log line", async () => {
  const gateway = startGateway(CONFIG);
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const headers = {
    ...KEY,
    "user-agent": "tool/1.0",
    "x-request-id": "mine-1",
    traceparent: `00-${trace}-00f067aa0ba902b7-01`,
  };
  await gateway.send(CHAT, { headers, body: chatBody({ model: "nope" }) }).response;
  await gateway.send(CHAT, { headers: { ...headers, "x-request-id": "PromptText and more" }, body: "{}" })
    .response;
  const [first, second] = await gateway.logLines();
  const { user_agent, client_request_id, trace_id, requested_model, error, model } = first ?? {};
  deepEqual({ user_agent, client_request_id, trace_id, requested_model, error, model }, {
    user_agent: "tool/1.0",
    client_request_id: "mine-1",
    trace_id: trace,
    requested_model: "nope",
    error: "model_not_found",
    model: undefined,
  });
  equal(second?.["client_request_id"], undefined, "an id is one word");
});

Deno.test("a 400 is logged with its path and reason, without the value", async () => {
  const gateway = startGateway(CONFIG);
  const messages = [{ role: "PromptText", content: "Hi" }];
  const answer = await gateway.send(CHAT, { headers: KEY, body: chatBody({ messages }) }).response;
  const { error: told } = await answer.json();
  const [line] = await gateway.logLines();
  deepEqual([line?.["error"], line?.["param"]], [told.code, told.param]);
  equal(line?.["param"], "messages[0].role");
  match(String(line?.["reason"]), /^messages\[0\]\.role: .*\[value\]/);
});

Deno.test("an attempt counts if the request was sent, even if sending failed or it was refused", async () => {
  const attempts: unknown[] = [];
  const sink = (record: RequestRecord) =>
    attempts.push([record.status, record.attempts.map(({ error }) => error)]);
  const gateway = startGateway(CONFIG, { sinks: [sink] });
  const messages = [{ role: "tool", tool_call_id: "none", content: "Hi" }];
  equal((await gateway.send(CHAT, { headers: KEY, body: chatBody({ messages }) }).response).status, 400);
  const unreachable = gateway.send(CHAT, { headers: KEY, body: chatBody() });
  (await gateway.bedrock.call(0)).fail();
  await (await unreachable.response).text();
  const refused = gateway.send(CHAT, { headers: KEY, body: chatBody() });
  (await gateway.bedrock.call(1)).answerWhole(400, '{"message":"no"}', {
    "x-amzn-errortype": "ValidationException",
    "x-amzn-requestid": "r-1",
  });
  await (await refused.response).text();
  deepEqual(attempts, [[400, []], [502, ["upstream_unreachable"]], [400, ["invalid_request"]]]);
});

Deno.test("a response that reports no tokens is logged with the tokens that it counts as, in every API", async () => {
  const answer = JSON.stringify({ ...JSON.parse(ANSWER), usage: { inputTokens: 0, outputTokens: 0 } });
  const sent = [[CHAT, chatBody()], [CONVERSE, "{}"]] as const;
  for (const [path, body] of sent) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(path, { headers: KEY, body });
    (await gateway.bedrock.call(0)).answerWhole(200, answer);
    equal((await response).status, 200);
    const [line] = await gateway.logLines();
    equal(line?.["estimated"], true, path);
    ok(Number(line?.["input_tokens"]) > 0 && Number(line?.["output_tokens"]) > 0, JSON.stringify(line));
  }
});

Deno.test("a stream that breaks off is logged with the tokens that it counts as", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody({ stream: true }) });
  const upstream = (await gateway.bedrock.call(0)).answer(200);
  upstream.push(...converseFrames("Hello").slice(0, 2));
  upstream.fail();
  await (await response).text();
  const [line] = await gateway.logLines();
  deepEqual([line?.["error"], line?.["stream"], line?.["estimated"]], [
    "stream_truncated",
    true,
    true,
  ]);
  ok(Number(line?.["input_tokens"]) > 0 && Number(line?.["output_tokens"]) > 0);
});

Deno.test("with log.requests: false only failures are logged", async () => {
  const gateway = startGateway(snapshot({ ...PARTS, log: { level: "info", requests: false } }));
  await gateway.send("/healthz", { method: "GET" }).response;
  await gateway.send("/v1/models", { method: "GET" }).response;
  equal(await gateway.logText(), "");
  const { response } = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  (await gateway.bedrock.call(0)).fail();
  await response;
  await gateway.expectSettled(1);
});

/** Texts that must not appear in the log, even in part: keys, prompts and answers. */
const CONFIDENTIAL = [SEARCH.key, "wrong-key", "PromptText", "AnswerText", "upstream-secret-key"];

Deno.test("no key, prompt or answer is in the log, whichever way a request ends", async () => {
  const gateway = startGateway(CONFIG);
  const { bedrock } = gateway;
  const prompt = (overrides: Record<string, unknown> = {}) =>
    chatBody({ messages: [{ role: "user", content: "PromptText" }], ...overrides });
  const answerText = (text: string) => ANSWER.replace("Hello", text);
  let requests = 0;

  async function exchange(path: string, send: SendOptions, answer?: (call: number) => Promise<void>) {
    const { response } = gateway.send(path, { headers: KEY, ...send });
    requests++;
    if (answer !== undefined) await answer(bedrock.calls.length);
    await (await response).text();
  }
  const whole = (status: number, text: string, headers = {}) => async (call: number) => {
    (await bedrock.call(call)).answerWhole(status, text, headers);
  };
  const frames = (...chunks: readonly Bytes[]) => async (call: number) => {
    const body = (await bedrock.call(call)).answer(200);
    body.push(...chunks);
    body.end();
  };
  const notJson = encodeFrame({ ":event-type": "contentBlockDelta" }, encodeUtf8('{"AnswerText'));

  await exchange(CHAT, { headers: { authorization: "Bearer wrong-key" }, body: prompt() });
  await exchange(CHAT, { headers: { "x-api-key": "wrong-key" }, body: prompt() });
  await exchange(CHAT, { body: '{"model": "haiku", PromptText' });
  await exchange(CHAT, { body: prompt({ model: "PromptText and more of it" }) });
  await exchange(CHAT, { body: prompt({ temperature: "PromptText" }) });
  await exchange(CHAT, { body: prompt({ n: 2, PromptText: "PromptText" }) });
  await exchange(CHAT, { body: prompt() }, whole(200, answerText("AnswerText")));
  await exchange(CHAT, { body: prompt() }, whole(200, '{"output": AnswerText'));
  await exchange(CHAT, { body: prompt() }, whole(200, '{"output": {"message": ["AnswerText"]}}'));
  await exchange(CHAT, { body: prompt() }, whole(500, "<html>AnswerText</html>"));
  await exchange(CHAT, { body: prompt({ stream: true }) }, frames(...converseFrames("AnswerText")));
  await exchange(CHAT, { body: prompt({ stream: true }) }, frames(START, notJson));
  await exchange(CHAT, { body: prompt({ stream: true }) }, frames(START, encodeUtf8("AnswerText".repeat(9))));
  await exchange(CONVERSE, { body: prompt() }, whole(200, answerText("AnswerText")));
  await exchange(CONVERSE, { body: "PromptText" }, whole(200, '{"usage": AnswerText'));
  await exchange(`${CONVERSE}-stream`, { body: prompt() }, frames(...converseFrames("AnswerText")));
  await exchange(`${CONVERSE}-stream`, { body: prompt() }, frames(encodeUtf8("AnswerText".repeat(9))));

  const text = await gateway.logText();
  for (const each of CONFIDENTIAL) equal(text.includes(each), false, `${each} is in the log:\n${text}`);
  await gateway.expectSettled(requests);
});
