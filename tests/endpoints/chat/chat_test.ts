/** Chat completions through the pipeline: how they fail before the answer, and how their streams begin, break and end. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError, codeOf, type ErrorKind } from "../../../lib/base/errors.ts";
import type { Snapshot } from "../../../lib/snapshot/snapshot.ts";
import { converseFrames, corrupt, errorFrame, exceptionFrame } from "../../fakes/frames.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { snapshot } from "../../fakes/snapshot.ts";
import { CHAT, chatBody, CONFIG, KEY, PARTS } from "../../gateway/requests.ts";

type Bytes = Uint8Array<ArrayBuffer>;

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
    fail: ({ pipeline }) => pipeline.abortAll(new AditError("draining")),
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
    deepEqual([line?.["error"], line?.["status"], line?.["provider"]], [codeOf(kind), status, "east"]);
    await gateway.expectSettled(1);
  });
}

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
    deepEqual([line?.["status"], line?.["error"]], [200, codeOf(kind)]);
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
  gateway.pipeline.abortAll(new AditError("draining"));
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
