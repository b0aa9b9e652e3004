/** The order in which a request is handled, and that every one of them is settled once, however it ends. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { AditError, type ErrorKind } from "../../lib/base/errors.ts";
import { encodeFrame } from "../../lib/codec/eventstream.ts";
import type { Snapshot } from "../../lib/config/snapshot.ts";
import { converseFrames, corrupt, errorFrame, exceptionFrame, USAGE } from "../fakes/frames.ts";
import { type SendOptions, startGateway } from "../fakes/gateway.ts";
import { caller, model, native, provider, snapshot, type SnapshotParts } from "../fakes/snapshot.ts";
import { START_MS } from "../fakes/time.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const EAST = provider("east", "us-east-1");
const SEARCH = caller("search", { models: new Set(["haiku"]), native: native(["us-east-1"]) });
const EXPIRED = caller("expired", { expiresAtMs: START_MS - 1 });
const PARTS: SnapshotParts = {
  models: [model("haiku", EAST), model("opus", EAST)],
  callers: [SEARCH, EXPIRED],
  routes: { "/bedrock": model("haiku", EAST) },
};
const CONFIG = snapshot(PARTS);
const KEY = { authorization: `Bearer ${SEARCH.key}` };

const CHAT = "/v1/chat/completions";
const CONVERSE = "/model/m/converse";

function chatBody(overrides: Record<string, unknown> = {}): string {
  return JSON.stringify({ model: "haiku", messages: [{ role: "user", content: "Hi" }], ...overrides });
}

const ANSWER = JSON.stringify({
  metrics: { latencyMs: 9 },
  output: { message: { role: "assistant", content: [{ text: "Hello" }] } },
  stopReason: "end_turn",
  usage: USAGE,
});

/** A body that notes what is done to it. */
function watchedBody() {
  const seen: string[] = [];
  const stream = new ReadableStream<Bytes>({
    pull: () => {
      seen.push("read");
      return new Promise(() => {});
    },
    cancel: () => {
      seen.push("cancelled");
    },
  }, { highWaterMark: 0 });
  return { seen, stream };
}

function limited(limits: Partial<Snapshot["limits"]>): Snapshot {
  return snapshot({ ...PARTS, limits: { ...CONFIG.limits, ...limits } });
}

interface Refusal {
  readonly name: string;
  readonly path: string;
  readonly send?: SendOptions;
  readonly config?: Snapshot;
  readonly status: number;
  readonly kind: ErrorKind;
}

/** Refusals that need nothing of the body; every one of them is given before the body is read. */
const UNREAD_REFUSALS: readonly Refusal[] = [
  { name: "no such route", path: "/v1/nothing", status: 404, kind: "route_not_found" },
  {
    name: "a method that the route does not take",
    path: CHAT,
    send: { method: "PUT" },
    status: 405,
    kind: "method_not_allowed",
  },
  {
    name: "headers that are too large",
    path: CHAT,
    send: { headers: { ...KEY, "x-long": "x".repeat(20_000) } },
    status: 431,
    kind: "headers_too_large",
  },
  { name: "no key", path: CHAT, send: { headers: {} }, status: 401, kind: "missing_key" },
  {
    name: "a wrong key",
    path: CHAT,
    send: { headers: { "x-api-key": "wrong" } },
    status: 401,
    kind: "invalid_key",
  },
  {
    name: "an expired key",
    path: CHAT,
    send: { headers: { "x-api-key": EXPIRED.key } },
    status: 401,
    kind: "expired_key",
  },
  {
    name: "a body that says it is too large",
    path: CHAT,
    send: { headers: { ...KEY, "content-length": "2000000" } },
    status: 413,
    kind: "body_too_large",
  },
  {
    name: "too many requests in hand",
    path: CHAT,
    config: limited({ concurrent: 0 }),
    status: 503,
    kind: "busy",
  },
];

for (const { name, path, send = {}, config = CONFIG, status, kind } of UNREAD_REFUSALS) {
  for (const place of [path, path.replace(CHAT, CONVERSE).replace("/v1/nothing", "/model/m/nothing")]) {
    Deno.test(`${name} at ${place} is ${status} ${kind} in its dialect, and the body is let go unread`, async () => {
      const gateway = startGateway(config);
      const unread = watchedBody();
      const answer = await gateway.send(place, { headers: KEY, body: unread.stream, ...send }).response;
      equal(answer.status, status);
      const body = await answer.json();
      const isBedrock = place.startsWith("/model/");
      equal(typeof (isBedrock ? body : body.error).message, "string");
      equal(answer.headers.has("x-adit-error"), isBedrock);
      deepEqual(unread.seen, ["cancelled"]);
      const [line] = await gateway.logLines();
      deepEqual([line?.["status"], line?.["error"]], [status, kind]);
      equal(answer.headers.get("x-request-id"), line?.["request_id"]);
      equal(gateway.bedrock.calls.length, 0);
      await gateway.expectSettled(1);
    });
  }
}

const READ_REFUSALS: readonly Refusal[] = [
  { name: "no body", path: CHAT, status: 400, kind: "invalid_request" },
  { name: "a body that is not JSON", path: CHAT, send: { body: "{" }, status: 400, kind: "invalid_request" },
  {
    name: "a body that is not UTF-8",
    path: CHAT,
    send: { body: Uint8Array.of(0x22, 0xff, 0x22) },
    status: 400,
    kind: "invalid_request",
  },
  {
    name: "a body that is no object",
    path: CHAT,
    send: { body: "[]" },
    status: 400,
    kind: "invalid_request",
  },
  {
    name: "a body that is nested too deeply",
    path: CHAT,
    send: { body: chatBody({ x: nested(80) }) },
    status: 400,
    kind: "invalid_request",
  },
  {
    name: "a body that is too large",
    path: CHAT,
    send: { body: chatBody({ user: "x".repeat(2_000) }) },
    config: limited({ bodyBytes: 1_000 }),
    status: 413,
    kind: "body_too_large",
  },
  {
    name: "a native body that is too large",
    path: CONVERSE,
    send: { body: "x".repeat(2_000) },
    config: limited({ bodyBytes: 1_000 }),
    status: 413,
    kind: "body_too_large",
  },
  {
    name: "no model",
    path: CHAT,
    send: { body: chatBody({ model: undefined }) },
    status: 400,
    kind: "invalid_request",
  },
  {
    name: "a model that does not exist",
    path: CHAT,
    send: { body: chatBody({ model: "nope" }) },
    status: 404,
    kind: "model_not_found",
  },
  {
    name: "a model of someone else's",
    path: CHAT,
    send: { body: chatBody({ model: "opus" }) },
    status: 404,
    kind: "model_not_found",
  },
];

function nested(depth: number): unknown {
  return JSON.parse("[".repeat(depth) + "]".repeat(depth));
}

for (const { name, path, send = {}, config = CONFIG, status, kind } of READ_REFUSALS) {
  Deno.test(`${name} is ${status} ${kind}`, async () => {
    const gateway = startGateway(config);
    const answer = await gateway.send(path, { headers: KEY, ...send }).response;
    deepEqual([answer.status, (await gateway.logLines())[0]?.["error"]], [status, kind]);
    equal(gateway.bedrock.calls.length, 0);
    await gateway.expectSettled(1);
  });
}

Deno.test("the key is judged before the model, so that nobody learns what exists", async () => {
  const gateway = startGateway(CONFIG);
  const answer = await gateway.send(CHAT, { body: chatBody({ model: "nope" }) }).response;
  equal(answer.status, 401);
});

Deno.test("health and models are answered without an upstream", async () => {
  const gateway = startGateway(CONFIG);
  const cases: readonly (readonly [target: string, headers: Record<string, string>, expected: unknown])[] = [
    ["/healthz", {}, { status: "ok" }],
    ["/v1/models", KEY, ["haiku"]],
    ["/v1/models/haiku", KEY, "haiku"],
  ];
  for (const [target, headers, expected] of cases) {
    const answer = await gateway.send(target, { method: "GET", headers }).response;
    equal(answer.status, 200);
    const body = await answer.json();
    deepEqual(body.data?.map((each: { id: string }) => each.id) ?? body.id ?? body, expected);
    ok(answer.headers.get("x-request-id")?.startsWith("req_"));
  }
  await gateway.expectSettled(3);
});

Deno.test("while draining new requests are refused, health is answered, and those in hand go on", async () => {
  const gateway = startGateway(CONFIG);
  const running = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  const call = await gateway.bedrock.call(0);
  gateway.pipeline.startDraining();
  const refused = await gateway.send(CHAT, { headers: KEY, body: chatBody() }).response;
  deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  equal((await gateway.send("/healthz", { method: "GET" }).response).status, 200);
  call.answerWhole(200, ANSWER);
  equal((await running.response).status, 200);
  await gateway.expectSettled(3);
});

Deno.test("only requests in hand count against the limit of concurrent ones", async () => {
  const gateway = startGateway(limited({ concurrent: 2 }));
  const running = [0, 1].map(() => gateway.send(CONVERSE, { headers: KEY, body: "{}" }));
  await gateway.bedrock.call(1);
  equal((await gateway.send(CONVERSE, { headers: KEY, body: "{}" }).response).status, 503);
  for (const call of gateway.bedrock.calls) call.answerWhole(200, ANSWER);
  for (const { response } of running) equal((await response).status, 200);
  const next = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  (await gateway.bedrock.call(2)).answerWhole(200, ANSWER);
  equal((await next.response).status, 200);
  await gateway.expectSettled(4);
});

Deno.test("a body that does not arrive is given up, and a client that is lost in it is noticed", async () => {
  const endings:
    readonly (readonly [ErrorKind, number, (client: ReadableStreamDefaultController) => void])[] = [
      ["request_timeout", 408, () => gateway.advance(CONFIG.timeouts.idleMs + 100)],
      ["client_gone", 499, (client) => client.error(new TypeError("connection reset"))],
    ];
  let gateway = startGateway(CONFIG);
  for (const [kind, status, end] of endings) {
    gateway = startGateway(CONFIG);
    let client: ReadableStreamDefaultController | undefined;
    const body = new ReadableStream({
      start: (controller) => {
        client = controller;
      },
    });
    const { response } = gateway.send(CHAT, { headers: KEY, body });
    if (client !== undefined) end(client);
    equal((await response).status, status);
    equal((await gateway.logLines())[0]?.["error"], kind);
    await gateway.expectSettled(1);
  }
});

Deno.test("a client that leaves before the answer ends the upstream's work", async () => {
  for (
    const [path, body] of [[CHAT, chatBody()], [CHAT, chatBody({ stream: true })], [CONVERSE, "{}"]] as const
  ) {
    const gateway = startGateway(CONFIG);
    const { response, leave } = gateway.send(path, { headers: KEY, body });
    const call = await gateway.bedrock.call(0);
    leave();
    equal(call.init.signal.aborted, true);
    equal((await response).status, 499);
    equal((await gateway.logLines())[0]?.["error"], "client_gone");
    await gateway.expectSettled(1);
  }
});

Deno.test("a client that leaves before its request is sent on costs the upstream nothing", async () => {
  const gateway = startGateway(CONFIG);
  const { response, leave } = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  leave();
  equal((await response).status, 499);
  equal(gateway.bedrock.calls.length, 0);
  await gateway.expectSettled(1);
});

Deno.test("a client that had left before its request was looked at is noticed too", async () => {
  const gateway = startGateway(CONFIG);
  const request = new Request("http://adit.test/", { method: "POST", headers: KEY, body: "{}" });
  const answer = await gateway.pipeline.handle(request, {
    target: CONVERSE,
    clientGone: AbortSignal.abort(),
    remoteAddress: "192.0.2.7",
  });
  equal(answer.status, 499);
  equal(gateway.bedrock.calls.length, 0);
  await gateway.expectSettled(1);
});

/** How an upstream may fail before there is an answer, and what the caller sees. */
const FAILURES: readonly {
  readonly name: string;
  readonly fail: (gateway: ReturnType<typeof startGateway>) => Promise<void> | void;
  readonly status: number;
  readonly kind: ErrorKind;
}[] = [
  {
    name: "cannot be reached",
    fail: ({ bedrock }) => bedrock.calls[0]?.fail(),
    status: 502,
    kind: "upstream_unreachable",
  },
  {
    name: "does not answer",
    fail: ({ advance }) => advance(CONFIG.timeouts.firstByteMs + 100),
    status: 504,
    kind: "timeout",
  },
  {
    name: "refuses",
    fail: ({ bedrock }) => bedrock.calls[0]?.answerWhole(429, "{}"),
    status: 429,
    kind: "rate_limited",
  },
  {
    name: "does not know our credentials",
    fail: ({ bedrock }) =>
      bedrock.calls[0]?.answerWhole(403, "{}", { "x-amzn-errortype": "UnrecognizedClientException" }),
    status: 502,
    kind: "upstream_credentials",
  },
  {
    name: "answers with something else",
    fail: ({ bedrock }) => bedrock.calls[0]?.answerWhole(200, "<html>"),
    status: 502,
    kind: "upstream_protocol",
  },
  {
    name: "is cut off by a shutdown",
    fail: ({ pipeline }) => pipeline.endAll(new AditError("draining")),
    status: 503,
    kind: "draining",
  },
  {
    name: "breaks off",
    fail: ({ bedrock }) => {
      const body = bedrock.calls[0]?.answer(200);
      body?.push(encodeUtf8("{"));
      body?.fail();
    },
    status: 502,
    kind: "stream_truncated",
  },
];

for (const { name, fail, status, kind } of FAILURES) {
  Deno.test(`chat whose upstream ${name} is ${status} ${kind}`, async () => {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody() });
    await gateway.bedrock.call(0);
    await fail(gateway);
    const answer = await response;
    equal(answer.status, status);
    equal(typeof (await answer.json()).error.code, "string");
    const [line] = await gateway.logLines();
    deepEqual([line?.["error"], line?.["status"], line?.["provider"]], [kind, status, "east"]);
    await gateway.expectSettled(1);
  });
}

Deno.test("a chat is answered, and logged in one line that says all but what was said", async () => {
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
    status: 200,
    duration_ms: 1_200,
    first_byte_ms: 1_200,
    input_tokens: 7,
    output_tokens: 3,
    cache_read_tokens: 2,
    cache_write_tokens: 0,
    stop_reason: "stop",
    upstream_request_id: "r-1",
  });
  await gateway.expectSettled(1);
});

Deno.test("requests are not logged where the configuration says so, but failures are", async () => {
  const gateway = startGateway(snapshot({ ...PARTS, log: { level: "info", requests: false } }));
  await gateway.send("/healthz", { method: "GET" }).response;
  await gateway.send("/v1/models", { method: "GET" }).response;
  equal(await gateway.logText(), "");
  const { response } = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  (await gateway.bedrock.call(0)).fail();
  await response;
  await gateway.expectSettled(1);
});

async function openChatStream(config: Snapshot = CONFIG) {
  const gateway = startGateway(config);
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody({ stream: true }) });
  const call = await gateway.bedrock.call(0);
  const upstream = call.answer(200, { "x-amzn-requestid": "r-1" });
  return { gateway, response, upstream, call };
}

Deno.test("a chat stream begins with its first event and ends with [DONE]", async () => {
  const { gateway, response, upstream } = await openChatStream();
  upstream.push(...converseFrames("Hel", "lo"));
  upstream.end();
  const answer = await response;
  equal(answer.status, 200);
  ok(answer.headers.get("content-type")?.startsWith("text/event-stream"));
  const text = await answer.text();
  ok(text.endsWith("data: [DONE]\n\n"));
  equal([...text.matchAll(/"content":"(\w+)"/g)].map((match) => match[1]).join(""), "Hello");
  const [line] = await gateway.logLines();
  deepEqual([line?.["status"], line?.["output_tokens"], line?.["upstream_request_id"]], [200, 3, "r-1"]);
  await gateway.expectSettled(1);
});

Deno.test("an error before the first event of a chat stream is a status", async () => {
  const { gateway, response, upstream } = await openChatStream();
  upstream.push(exceptionFrame("throttlingException", "slow down"));
  const answer = await response;
  equal(answer.status, 429);
  equal((await answer.json()).error.message, "slow down");
  await gateway.expectSettled(1);
});

const [START, HELLO] = converseFrames("Hello") as [Bytes, Bytes];

const BROKEN:
  readonly (readonly [name: string, frames: readonly Bytes[], end: "end" | "fail", kind: ErrorKind])[] = [
    ["an exception", [exceptionFrame("modelStreamErrorException", "broke")], "end", "model_error"],
    ["an error", [errorFrame("InternalFailure", "broke")], "end", "upstream_error"],
    ["a wrong checksum", [corrupt(HELLO)], "end", "upstream_protocol"],
    ["a silent end", [], "end", "stream_truncated"],
    ["a lost connection", [], "fail", "stream_truncated"],
  ];

for (const [name, frames, end, kind] of BROKEN) {
  Deno.test(`${name} in a chat stream is an error event and no [DONE]`, async () => {
    const { gateway, response, upstream } = await openChatStream();
    upstream.push(START, HELLO, ...frames);
    upstream[end]();
    const text = await (await response).text();
    ok(text.includes('"content":"Hello"'));
    ok(/data: \{"error":\{[^\n]*\}\}\n\n$/.test(text), text);
    equal(text.includes("[DONE]"), false);
    const [line] = await gateway.logLines();
    deepEqual([line?.["status"], line?.["error"]], [200, kind]);
    await gateway.expectSettled(1);
  });
}

Deno.test("a silent chat stream is kept alive by comments", async () => {
  const { gateway, response, upstream } = await openChatStream();
  upstream.push(START);
  const text = (await response).text();
  await upstream.pulled(2);
  gateway.advance(CONFIG.timeouts.keepaliveMs + 100);
  upstream.push(...converseFrames("Hello").slice(1));
  upstream.end();
  ok((await text).includes("\n\n: keep-alive\n\n"));
  await gateway.expectSettled(1);
});

Deno.test("at shutdown a chat stream is ended with an error event", async () => {
  const { gateway, response, upstream } = await openChatStream();
  upstream.push(START, HELLO);
  const text = (await response).text();
  await upstream.pulled(3);
  gateway.pipeline.endAll(new AditError("draining"));
  ok((await text).includes('"code":"overloaded"'), await text);
  await gateway.expectSettled(1);
});

Deno.test("a chat stream whose client leaves ends the upstream's work, and its usage so far is logged", async () => {
  const { gateway, response, upstream, call } = await openChatStream();
  upstream.push(START, HELLO);
  const reader = (await response).body?.getReader();
  await reader?.read();
  await reader?.cancel();
  equal(call.init.signal.aborted, true);
  const [line] = await gateway.logLines();
  deepEqual([line?.["error"], line?.["status"]], ["client_gone", 200]);
  await gateway.expectSettled(1);
});

Deno.test("a running stream keeps the configuration it began with, new requests see the new one", async () => {
  const { gateway, response, upstream } = await openChatStream();
  upstream.push(START);
  const text = (await response).text();
  const quick = { ...CONFIG.timeouts, keepaliveMs: 100, idleMs: 200 };
  gateway.pipeline.use(snapshot({ ...PARTS, callers: [], timeouts: quick }));
  equal(gateway.pipeline.snapshot.timeouts, quick);
  gateway.advance(quick.idleMs * 10);
  equal((await gateway.send(CHAT, { headers: KEY, body: chatBody() }).response).status, 401);
  upstream.push(...converseFrames("Hello").slice(1));
  upstream.end();
  ok((await text).endsWith("data: [DONE]\n\n"));
  equal((await text).includes("keep-alive"), false);
  await gateway.expectSettled(2);
});

Deno.test("a bug while answering is a 500 that tells the caller nothing and the operator where", async () => {
  class BrokenMap extends Map<string, never> {
    override get(): never {
      throw new TypeError("a bug");
    }
  }
  const gateway = startGateway(snapshot({ ...PARTS, callersByKeyHash: new BrokenMap() }));
  const answer = await gateway.send(CHAT, { headers: KEY, body: chatBody() }).response;
  equal(answer.status, 500);
  equal((await answer.text()).includes("a bug"), false);
  const [line] = await gateway.logLines();
  equal(line?.["level"], "error");
  ok(String(line?.["cause"]).includes("pipeline_test.ts"));
});

/** Texts of which no part may be in the log: a key, prompts, and answers. */
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
