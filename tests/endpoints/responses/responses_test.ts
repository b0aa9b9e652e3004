/** Responses through the pipeline: whole and streamed, how they fail and keep clients waiting, and what is not there. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decodeUtf8 } from "../../../lib/base/bytes.ts";
import type { Snapshot } from "../../../lib/snapshot/snapshot.ts";
import { converseFrames, exceptionFrame } from "../../fakes/frames.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { PNG, startImageHost } from "../../fakes/image_host.ts";
import { model, provider, snapshot } from "../../fakes/snapshot.ts";
import { ANSWER, CONFIG, KEY, PARTS } from "../../gateway/requests.ts";
import { accumulateResponse, readResponseEvents } from "../../suites/responses_events.ts";

/** Until the stream waits for more. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

const RESPONSES = "/v1/responses";

function responsesBody(overrides: Record<string, unknown> = {}): string {
  return JSON.stringify({ model: "haiku", input: "Hi", ...overrides });
}

async function openStream(config: Snapshot = CONFIG) {
  const gateway = startGateway(config);
  const { response } = gateway.send(RESPONSES, { headers: KEY, body: responsesBody({ stream: true }) });
  const call = await gateway.bedrock.call(0);
  return { gateway, response, upstream: call.answer(200, { "x-amzn-requestid": "r-1" }) };
}

Deno.test("a response has the caller's model, an id of its own and its usage", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(RESPONSES, { headers: KEY, body: responsesBody({ store: true }) });
  (await gateway.bedrock.call(0)).answerWhole(200, ANSWER);
  const answer = await response;
  deepEqual([answer.status, answer.headers.get("x-adit-ignored")], [200, "store"]);
  const body = await answer.json();
  match(body.id, /^resp_[0-9a-f]{32}$/);
  deepEqual(
    [body.object, body.status, body.model, body.store, body.output[0].content[0].text],
    ["response", "completed", "haiku", false, "Hello"],
  );
  deepEqual([body.created_at, body.completed_at], [
    Math.floor(gateway.clock.now() / 1000),
    Math.floor(gateway.clock.now() / 1000),
  ]);
  deepEqual([body.usage.input_tokens, body.usage.output_tokens], [9, 3]);
  await gateway.expectSettled(1);
});

Deno.test("a stream of a response ends with all of it, and its usage is logged", async () => {
  const { gateway, response, upstream } = await openStream();
  upstream.push(...converseFrames("Hel", "lo"));
  upstream.end();
  const answer = await response;
  ok(answer.headers.get("content-type")?.startsWith("text/event-stream"));
  const { output, usage } = accumulateResponse(await answer.text());
  equal(output[0]?.type === "message" && output[0].content[0]?.text, "Hello");
  deepEqual(usage?.total_tokens, 12);
  const [line] = await gateway.logLines();
  deepEqual([line?.["status"], line?.["output_tokens"], line?.["upstream_request_id"]], [200, 3, "r-1"]);
  await gateway.expectSettled(1);
});

Deno.test("an error before the first event of a response is a status that clients retry", async () => {
  const { gateway, response, upstream } = await openStream();
  upstream.push(exceptionFrame("throttlingException", "slow down"));
  const answer = await response;
  deepEqual([answer.status, (await answer.json()).error.code], [429, "rate_limit_exceeded"]);
  // Codex takes a 429 without it as final.
  equal(answer.headers.get("retry-after"), "2");
  await gateway.expectSettled(1);
});

Deno.test("an exceeded quota is a rate limit, because clients never retry insufficient_quota", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(RESPONSES, { headers: KEY, body: responsesBody() });
  (await gateway.bedrock.call(0)).answerWhole(400, '{"message":"quota"}', {
    "x-amzn-errortype": "ServiceQuotaExceededException",
  });
  const answer = await response;
  const { type, code } = (await answer.json()).error;
  deepEqual([answer.status, answer.headers.get("retry-after")], [429, "2"]);
  deepEqual([type, code], ["rate_limit_error", "rate_limit_exceeded"]);
});

for (
  const [exception, message, code] of [
    ["throttlingException", "Too many tokens, please wait", "rate_limit_exceeded"],
    ["serviceQuotaExceededException", "quota", "rate_limit_exceeded"],
    ["validationException", "The input is too long for requested model", "context_length_exceeded"],
    ["validationException", "something else", "invalid_prompt"],
    ["modelStreamErrorException", "broke", "server_error"],
    ["internalServerException", "broke", "server_error"],
  ] as const
) {
  Deno.test(`${exception} "${message}" in mid-stream is an error event and a failed response: ${code}`, async () => {
    const { gateway, response, upstream } = await openStream();
    upstream.push(...converseFrames("Hel").slice(0, 2), exceptionFrame(exception, message));
    upstream.end();
    const text = await (await response).text();
    equal(accumulateResponse(text).error?.code, code);
    deepEqual(readResponseEvents(text).slice(-2).map(({ type }) => type), ["error", "response.failed"]);
    await gateway.expectSettled(1);
  });
}

Deno.test("a stream that just ends is a failed response", async () => {
  const { response, upstream } = await openStream();
  upstream.push(...converseFrames("Hel").slice(0, 3));
  upstream.end();
  equal(accumulateResponse(await (await response).text()).status, "failed");
});

Deno.test("a client that leaves with the last event, as Codex does, has been answered", async () => {
  const { gateway, response, upstream } = await openStream();
  upstream.push(...converseFrames("Hello"));
  const reader = (await response).body?.getReader();
  ok(reader !== undefined);
  let text = "";
  while (!text.includes("response.completed")) {
    text += decodeUtf8((await reader.read()).value ?? new Uint8Array());
  }
  await reader.cancel();
  upstream.end();
  await settle();
  const [line] = await gateway.logLines();
  deepEqual([line?.["status"], line?.["error"], line?.["output_tokens"]], [200, undefined, 3]);
  await gateway.expectSettled(1);
});

Deno.test("silence is filled with keepalive events, numbered like the others", async () => {
  const keepaliveMs = 2_000;
  const timeouts = { ...CONFIG.timeouts, keepaliveMs };
  const { gateway, response, upstream } = await openStream(snapshot({ ...PARTS, timeouts }));
  const frames = converseFrames("Hello");
  upstream.push(...frames.slice(0, 2));
  const reader = (await response).body?.getReader();
  ok(reader !== undefined);
  let text = "";
  const read = async () => {
    const part = await reader.read();
    text += decodeUtf8(part.value ?? new Uint8Array());
    return !part.done;
  };
  while (!text.includes("Hello")) await read();
  for (let ping = 0; ping < 2; ping++) {
    const waiting = read();
    await settle();
    gateway.advance(keepaliveMs + 100);
    await waiting;
  }
  upstream.push(...frames.slice(2));
  upstream.end();
  while (await read());
  const kept = readResponseEvents(text).filter(({ type }) => type === "keepalive");
  deepEqual(kept.map((event) => Object.keys(event)), [["type", "sequence_number"], [
    "type",
    "sequence_number",
  ]]);
  equal(accumulateResponse(text).status, "completed");
});

Deno.test("Bedrock's refusals have the codes that clients act on", async () => {
  for (
    const [message, code] of [
      ["Input is too long for requested model.", "context_length_exceeded"],
      ["messages.1.content.0: Invalid `signature` in `thinking` block", "invalid_encrypted_content"],
      ["messages.1.content.0: Invalid `data` in `redacted_thinking` block", "invalid_encrypted_content"],
      ["The model returned the following errors: nope", "invalid_request_error"],
    ]
  ) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(RESPONSES, { headers: KEY, body: responsesBody() });
    (await gateway.bedrock.call(0)).answerWhole(400, JSON.stringify({ message }), {
      "x-amzn-errortype": "ValidationException",
    });
    const answer = await response;
    deepEqual([answer.status, (await answer.json()).error.code], [400, code]);
  }
});

Deno.test("tokens are counted by CountTokens, for the request that would be sent", async () => {
  const gateway = startGateway(CONFIG);
  const body = responsesBody({ instructions: "Be brief." });
  const { response } = gateway.send(`${RESPONSES}/input_tokens`, { headers: KEY, body });
  const call = await gateway.bedrock.call(0);
  match(call.url, /\/count-tokens$/);
  deepEqual(JSON.parse(decodeUtf8(call.init.body ?? new Uint8Array())), {
    input: {
      converse: { messages: [{ role: "user", content: [{ text: "Hi" }] }], system: [{ text: "Be brief." }] },
    },
  });
  call.answerWhole(200, '{"inputTokens":12}');
  deepEqual(await (await response).json(), { object: "response.input_tokens", input_tokens: 12 });
});

Deno.test("a model is required", async () => {
  const { response } = startGateway(CONFIG).send(RESPONSES, { headers: KEY, body: '{"input":"Hi"}' });
  const answer = await response;
  deepEqual([answer.status, (await answer.json()).error.param], [400, "model"]);
});

for (
  const [method, path] of [
    ["GET", "/v1/responses/resp_1"],
    ["DELETE", "/v1/responses/resp_1"],
    ["POST", "/v1/responses/resp_1/cancel"],
    ["GET", "/v1/responses/resp_1/input_items"],
    ["POST", "/v1/responses/compact"],
  ] as const
) {
  Deno.test(`${method} ${path} is 404 and says that nothing is stored`, async () => {
    const body = method === "POST" ? { body: "{}" } : {};
    const answer = await startGateway(CONFIG).send(path, { method, headers: KEY, ...body }).response;
    equal(answer.status, 404);
    match((await answer.json()).error.message, /does not store responses/);
  });
}

Deno.test("a WebSocket is refused with 426, and a plain GET with 405", async () => {
  const gateway = startGateway(CONFIG);
  const upgrade = { ...KEY, connection: "Upgrade", upgrade: "websocket" };
  const refused = await gateway.send(RESPONSES, { method: "GET", headers: upgrade }).response;
  deepEqual([refused.status, (await refused.json()).error.code], [426, "upgrade_refused"]);
  const plain = await gateway.send(RESPONSES, { method: "GET", headers: KEY }).response;
  deepEqual([plain.status, plain.headers.get("allow")], [405, "POST"]);
});

Deno.test("images behind URLs are fetched, in messages and in outputs", async () => {
  await using host = await startImageHost((_path, response) => void response.writeHead(200).end(PNG));
  const limits = { ...CONFIG.limits, fetchImages: true };
  const haiku = model("haiku", provider("east", "us-east-1"), "anthropic.claude-haiku-4-5-20251001-v1:0");
  const gateway = startGateway(snapshot({ ...PARTS, models: [haiku], limits }), {
    imageNetwork: host.network(),
  });
  const image = (name: string) => ({ type: "input_image", image_url: `${host.url}/${name}` });
  const input = [
    { role: "user", content: [image("a")] },
    { type: "function_call", call_id: "c1", name: "look", arguments: "{}" },
    { type: "function_call_output", call_id: "c1", output: [image("b")] },
  ];
  const { response } = gateway.send(RESPONSES, { headers: KEY, body: responsesBody({ input }) });
  const call = await gateway.bedrock.call(0);
  const { messages } = JSON.parse(decodeUtf8(call.init.body ?? new Uint8Array()));
  call.answerWhole(200, ANSWER);
  equal((await response).status, 200);
  const block = { image: { format: "png", source: { bytes: Buffer.from(PNG).toString("base64") } } };
  deepEqual([messages[0].content, messages[2].content[0].toolResult.content], [[block], [block]]);
  deepEqual(host.requests.toSorted(), ["/a", "/b"]);
});
