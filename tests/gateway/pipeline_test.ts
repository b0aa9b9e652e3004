/** The order in which a request is handled; every request is settled once, however it ends. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { codeOf, type ErrorKind, errorRow } from "../../lib/base/errors.ts";
import type { Snapshot } from "../../lib/snapshot/snapshot.ts";
import { type SendOptions, startGateway } from "../fakes/gateway.ts";
import { caller, model, native, provider, snapshot } from "../fakes/snapshot.ts";
import { ANSWER, CHAT, chatBody, CONFIG, CONVERSE, EXPIRED, KEY, PARTS } from "./requests.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A body that records how it is used. */
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

/** Refusals that do not depend on the body, which is not read for them. */
const UNREAD_REFUSALS: readonly Refusal[] = [
  { name: "no such route", path: "/v1/nothing", status: 404, kind: "route_not_found" },
  {
    name: "an unknown route and no key",
    path: "/v1/nothing",
    send: { headers: {} },
    status: 401,
    kind: "missing_key",
  },
  {
    name: "a wrong method and a wrong key",
    path: CHAT,
    send: { method: "PUT", headers: { authorization: "Bearer nobody" } },
    status: 401,
    kind: "invalid_key",
  },
  {
    name: "a method that the route does not allow",
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
    name: "a body whose declared length is too large",
    path: CHAT,
    send: { headers: { ...KEY, "content-length": "2000000" } },
    status: 413,
    kind: "body_too_large",
  },
  {
    name: "too many in-flight requests",
    path: CHAT,
    config: limited({ concurrent: 0 }),
    status: 503,
    kind: "busy",
  },
];

for (const { name, path, send = {}, config = CONFIG, status, kind } of UNREAD_REFUSALS) {
  for (const place of [path, path.replace(CHAT, CONVERSE).replace("/v1/nothing", "/model/m/nothing")]) {
    const isBedrock = place.startsWith("/model/");
    const shown = (isBedrock && errorRow(kind).bedrockStatus) || status;
    Deno.test(`${name} at ${place} is ${shown} ${kind} in its dialect, and the body is let go unread`, async () => {
      const gateway = startGateway(config);
      const unread = watchedBody();
      const answer = await gateway.send(place, { headers: KEY, body: unread.stream, ...send }).response;
      equal(answer.status, shown);
      const body = await answer.json();
      equal(typeof (isBedrock ? body : body.error).message, "string");
      equal(answer.headers.has("x-adit-error"), isBedrock);
      deepEqual(unread.seen, ["cancelled"]);
      const [line] = await gateway.logLines();
      deepEqual([line?.["status"], line?.["error"]], [shown, codeOf(kind)]);
      equal(answer.headers.get("x-request-id"), line?.["request_id"]);
      equal(gateway.bedrock.calls.length, 0);
      await gateway.expectSettled(1);
    });
  }
}

const ALLOWED: readonly (readonly [request: string, methods: string])[] = [
  ["PUT /v1/chat/completions", "POST"],
  ["POST /v1/models", "GET, HEAD"],
  ["DELETE /bedrock", "POST"],
  ["GET /model/m/converse", "POST"],
  ["DELETE /async-invoke", "POST, GET"],
];

for (const [request, methods] of ALLOWED) {
  Deno.test(`${request} is refused with the allowed methods ${methods}`, async () => {
    const [method = "", path = ""] = request.split(" ");
    const gateway = startGateway(CONFIG);
    const answer = await gateway.send(path, { method, headers: KEY }).response;
    deepEqual([answer.status, answer.headers.get("allow")], [405, methods]);
    await answer.text();
    await gateway.expectSettled(1);
  });
}

Deno.test("a request that Bedrock refuses also gets its ignored fields", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody({ seed: 7 }) });
  const call = await gateway.bedrock.call(0);
  call.answerWhole(400, '{"message":"no"}', { "x-amzn-errortype": "ValidationException" });
  const answer = await response;
  deepEqual([answer.status, answer.headers.get("x-adit-ignored")], [400, "seed"]);
  await answer.text();
  await gateway.expectSettled(1);
});

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
    name: "a body that is not an object",
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
    name: "an unknown model",
    path: CHAT,
    send: { body: chatBody({ model: "nope" }) },
    status: 404,
    kind: "model_not_found",
  },
  {
    name: "a model that the caller may not use",
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
    deepEqual([answer.status, (await gateway.logLines())[0]?.["error"]], [status, codeOf(kind)]);
    equal(gateway.bedrock.calls.length, 0);
    await gateway.expectSettled(1);
  });
}

Deno.test("the key is checked before the model, so that nobody learns what exists", async () => {
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

Deno.test("a model id that a header cannot contain is answered, too, and its request is settled", async () => {
  const gateway = startGateway(CONFIG);
  const path = `/aws-bedrock/bedrock-runtime/us-east-1/model/${encodeURIComponent("模型\n")}/converse`;
  const { response } = gateway.send(path, { headers: KEY, body: "{}" });
  (await gateway.bedrock.call(0)).answerWhole(200, ANSWER);
  const answer = await response;
  deepEqual([answer.status, answer.headers.get("cf-aig-model")], [200, "???"]);
  await gateway.expectSettled(1);
});

Deno.test("while draining, new requests are refused, health checks are answered, and in-flight requests continue", async () => {
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

Deno.test("only in-flight requests count against the concurrency limit", async () => {
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

Deno.test("a body that stalls is given up, and a client that disconnects during it is noticed", async () => {
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
    equal((await gateway.logLines())[0]?.["error"], codeOf(kind));
    await gateway.expectSettled(1);
  }
});

Deno.test("a client that leaves before the answer ends the upstream request", async () => {
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

Deno.test("a client that leaves before its request is sent causes no upstream request", async () => {
  const gateway = startGateway(CONFIG);
  const { response, leave } = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  leave();
  equal((await response).status, 499);
  equal(gateway.bedrock.calls.length, 0);
  await gateway.expectSettled(1);
});

Deno.test("a client that left before its request was handled is also noticed", async () => {
  const gateway = startGateway(CONFIG);
  const request = new Request("http://adit.test/", { method: "POST", headers: KEY, body: "{}" });
  const answer = await gateway.pipeline.handle(request, {
    target: CONVERSE,
    clientGone: AbortSignal.abort(),
    truncatesStreams: false,
    remoteAddress: "192.0.2.7",
  });
  equal(answer.status, 499);
  equal(gateway.bedrock.calls.length, 0);
  await gateway.expectSettled(1);
});

Deno.test("a bug is a 500 that shows the caller nothing and the operator the stack", async () => {
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

Deno.test("the time to read a body counts towards the deadline", async () => {
  const gateway = startGateway(CONFIG);
  const body = new TransformStream<Bytes, Bytes>();
  const writer = body.writable.getWriter();
  const { response } = gateway.send(CONVERSE, { headers: KEY, body: body.readable });
  for (const text of ["{", " ".repeat(20), "}"]) {
    await writer.write(encodeUtf8(text));
    gateway.advance(25_000);
  }
  await writer.close();
  const upstream = (await gateway.bedrock.call(0)).answer(200);
  for (let elapsedMs = 75_000; elapsedMs < 595_000; elapsedMs += 20_000) {
    upstream.push(encodeUtf8(" "));
    await upstream.pulled((elapsedMs - 75_000) / 20_000 + 2);
    gateway.advance(20_000);
  }
  gateway.advance(5_000);
  equal((await response).status, 504);
  await gateway.expectSettled(1);
});

const REASONS: readonly (readonly [path: string, body: unknown, reason: string | undefined])[] = [
  [CHAT, JSON.parse(ANSWER), "end_turn"],
  [CHAT, { ...JSON.parse(ANSWER), stopReason: "max_tokens" }, "max_tokens"],
  ["/v1/messages", { ...JSON.parse(ANSWER), stopReason: "guardrail_intervened" }, "guardrail_intervened"],
  [CONVERSE, { ...JSON.parse(ANSWER), stopReason: "guardrail_intervened" }, "guardrail_intervened"],
  ["/model/m/invoke", { type: "message", content: [], stop_reason: "refusal" }, "refusal"],
  ["/model/m/invoke", { generation: "Hi", stop_reason: "length" }, "length"],
  ["/model/m/invoke", { output: {}, stopReason: "end_turn" }, "end_turn"],
  ["/model/m/invoke", { choices: [{ finish_reason: "tool_calls" }] }, "tool_calls"],
  ["/model/m/invoke", { results: [{ completionReason: "FINISH" }] }, "FINISH"],
  ["/model/m/invoke", { embedding: [1, 2] }, undefined],
];

const NOVA = model("nova", provider("east", "us-east-1"), "amazon.nova-lite-v1:0");
const WITH_NOVA = snapshot({
  ...PARTS,
  models: [NOVA],
  callers: [caller("search", { models: ["nova"], native: native(["us-east-1"]) })],
});

for (const [path, answer, reason] of REASONS) {
  Deno.test(`${path} logs ${reason ?? "no stop reason"} where Bedrock says so`, async () => {
    const gateway = startGateway(WITH_NOVA);
    const { response } = gateway.send(path, {
      headers: KEY,
      body: chatBody({ model: "nova", max_tokens: 9 }),
    });
    (await gateway.bedrock.call(0)).answerWhole(200, JSON.stringify(answer));
    await (await response).text();
    const [line] = await gateway.logLines();
    equal(line?.["stop_reason"], reason);
  });
}

Deno.test("a long answer that its client does not read stays in flight until the deadline", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  const call = await gateway.bedrock.call(0);
  const text = JSON.stringify({ output: "x".repeat(300_000) });
  call.answerWhole(200, text);
  const answer = await response;
  equal(answer.headers.get("content-length"), String(text.length));
  const reader = answer.body?.getReader();
  equal((await reader?.read())?.value?.length, 64 * 1024);
  equal(gateway.pipeline.inFlight, 1);
  equal(gateway.pipeline.oldest(1).requests[0]?.sentBytes, 64 * 1024);
  gateway.advance(CONFIG.timeouts.totalMs);
  equal(gateway.pipeline.inFlight, 0);
  await rejects(async () => await reader?.read());
  const [line] = await gateway.logLines();
  equal(line?.["error"], "client_gone");
});

Deno.test("a long answer arrives complete, and is settled with its last byte", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send(CONVERSE, { headers: KEY, body: "{}" });
  const text = JSON.stringify({ output: "é".repeat(100_000) });
  (await gateway.bedrock.call(0)).answerWhole(200, text);
  equal(await (await response).text(), text);
  await gateway.expectSettled(1);
});
