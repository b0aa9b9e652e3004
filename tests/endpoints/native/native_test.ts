/** Bedrock's own API through the pipeline: what is passed on untouched, what is not, and how a stream breaks. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { decodeUtf8, EMPTY, encodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError, codeOf, type ErrorKind, ERRORS } from "../../../lib/base/errors.ts";
import {
  CLAUDE_STOP,
  converseFrames,
  cutEvery,
  exceptionFrame,
  invokeFrames,
  joined,
} from "../../fakes/frames.ts";
import { startGateway } from "../../fakes/gateway.ts";
import { caller, model, native, provider, snapshot } from "../../fakes/snapshot.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const EAST = provider("east", "us-east-1");
const CALLER = caller("search", { models: new Set(["haiku"]), native: native(["us-east-1"]) });
const CONFIG = snapshot({ models: [model("haiku", EAST)], callers: [CALLER] });
const KEY = { authorization: `Bearer ${CALLER.key}` };

const EVENT_STREAM = { "content-type": "application/vnd.amazon.eventstream" };

Deno.test("the request's bytes go through untouched, whatever they are", async () => {
  const bodies: readonly (readonly [Bytes, Record<string, string>])[] = [
    [encodeUtf8('{ "a" : 1.0, "unknown":[ ] }\n'), { "content-type": "application/json" }],
    [new Uint8Array(gzipSync("{}")), { "content-type": "application/json", "content-encoding": "gzip" }],
    [Uint8Array.of(0, 255, 254, 13, 10), {}],
    [EMPTY, {}],
  ];
  for (const [body, headers] of bodies) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send("/model/m/invoke", { headers: { ...KEY, ...headers }, body });
    const call = await gateway.bedrock.call(0);
    deepEqual(call.init.body, body);
    equal(call.init.headers.get("content-encoding"), headers["content-encoding"] ?? null);
    call.answerWhole(200, "{}");
    await response;
    await gateway.expectSettled(1);
  }
});

Deno.test("only headers about the body and Bedrock's own go up, and never the caller's key", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send("/model/m/invoke", {
    headers: {
      ...KEY,
      "x-api-key": CALLER.key,
      "api-key": CALLER.key,
      "cf-aig-authorization": KEY.authorization,
      "content-type": "application/json",
      "accept": "image/png",
      "x-amzn-bedrock-trace": "ENABLED",
      "x-amzn-bedrock-future-thing": "yes",
      "x-amz-date": "19990101T000000Z",
      "x-amz-security-token": "stolen",
      "x-forwarded-for": "10.0.0.1",
      "user-agent": "client/1",
      "cookie": "a=b",
      "amz-sdk-request": "attempt=1; max=3",
    },
    body: "{}",
  });
  const { init, ...call } = await gateway.bedrock.call(0);
  const { authorization = "", ...sent } = Object.fromEntries(init.headers);
  deepEqual(sent, {
    "accept": "image/png",
    "content-type": "application/json",
    "user-agent": "adit/test",
    "x-amz-date": "20261120T090000Z",
    "x-amzn-bedrock-future-thing": "yes",
    "x-amzn-bedrock-trace": "ENABLED",
  });
  ok(authorization.startsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
  call.answerWhole(200, "{}");
  await response;
});

Deno.test("the answer's headers come back, except for those of the upstream's connection", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send("/model/m/converse", { headers: KEY, body: "{}" });
  const body = new Uint8Array(gzipSync('{"usage":{"inputTokens":1}}'));
  (await gateway.bedrock.call(0)).answerWhole(200, body, {
    "content-type": "application/json",
    "content-encoding": "gzip",
    "content-length": String(body.length),
    "connection": "keep-alive",
    "keep-alive": "timeout=5",
    "transfer-encoding": "chunked",
    "date": "Fri, 20 Nov 2026 08:00:00 GMT",
    "x-amzn-requestid": "r-1",
    "x-amzn-bedrock-invocation-latency": "9",
    "x-future": "yes",
  });
  const answer = await response;
  const { "x-request-id": requestId = "", ...headers } = Object.fromEntries(answer.headers);
  ok(requestId.startsWith("req_"));
  deepEqual(headers, {
    "content-encoding": "gzip",
    "content-type": "application/json",
    "x-amzn-bedrock-invocation-latency": "9",
    "x-amzn-requestid": "r-1",
    "x-future": "yes",
  });
  deepEqual(new Uint8Array(await answer.arrayBuffer()), body);
});

Deno.test("a refusal is passed through unchanged, and logged", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send("/model/m/converse-stream", { headers: KEY, body: "{}" });
  const text = '{"message":"Too many requests, arn:aws:bedrock:us-east-1:123456789012:x/y"}';
  const headers = {
    "content-type": "application/json",
    "x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/",
    "retry-after": "7",
  };
  (await gateway.bedrock.call(0)).answerWhole(429, text, headers);
  const answer = await response;
  equal(answer.status, 429);
  equal(await answer.text(), text);
  for (const [name, value] of Object.entries(headers)) equal(answer.headers.get(name), value);
  equal(answer.headers.has("x-adit-error"), false);
  const [line] = await gateway.logLines();
  deepEqual([line?.["status"], line?.["error"], line?.["upstream_status"]], [
    429,
    "rate_limit_exceeded",
    429,
  ]);
  await gateway.expectSettled(1);
});

Deno.test("an upstream that answers 500 without a body is passed on", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send("/model/m/invoke", { headers: KEY, body: "{}" });
  (await gateway.bedrock.call(0)).answerWhole(500, null);
  equal((await response).status, 500);
  await gateway.expectSettled(1);
});

for (const operation of ["invoke", "converse-stream"]) {
  for (const status of [101, 204, 301, 304, 307]) {
    Deno.test(`a status that is neither 200 nor an error is not passed on: ${status} for ${operation}`, async () => {
      const gateway = startGateway(CONFIG);
      const { response } = gateway.send(`/model/m/${operation}`, { headers: KEY, body: "{}" });
      (await gateway.bedrock.call(0)).answerWhole(status, null, { location: "https://elsewhere.test/" });
      const answer = await response;
      deepEqual([answer.status, answer.headers.has("location")], [502, false]);
      await answer.text();
      const [line] = await gateway.logLines();
      deepEqual([line?.["error"], line?.["upstream_status"]], ["upstream_protocol", status]);
      await gateway.expectSettled(1);
    });
  }
}

for (const body of ["", '{"output":', "null", "[]"]) {
  Deno.test(`a 200 of Converse with ${JSON.stringify(body)} is a failure, and not an empty response`, async () => {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send("/model/m/converse", { headers: KEY, body: "{}" });
    (await gateway.bedrock.call(0)).answerWhole(200, body, { "content-type": "application/json" });
    const answer = await response;
    deepEqual([answer.status, answer.headers.get("x-amzn-errortype")], [502, "InternalServerException"]);
    await answer.text();
    const [line] = await gateway.logLines();
    equal(line?.["error"], "upstream_protocol");
    await gateway.expectSettled(1);
  });
}

Deno.test("a 200 of InvokeModel without a body is a failure; a body of any other form is passed on", async () => {
  for (const [body, status] of [["", 502], ["not JSON", 200]] as const) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send("/model/m/invoke", { headers: KEY, body: "{}" });
    (await gateway.bedrock.call(0)).answerWhole(200, body);
    const answer = await response;
    equal(answer.status, status);
    await answer.text();
    await gateway.expectSettled(1);
  }
});

Deno.test("a compressed event stream is refused before it begins", async () => {
  const gateway = startGateway(CONFIG);
  const { response } = gateway.send("/model/m/converse-stream", { headers: KEY, body: "{}" });
  const call = await gateway.bedrock.call(0);
  call.answer(200, { ...EVENT_STREAM, "content-encoding": "gzip" });
  const answer = await response;
  deepEqual([answer.status, answer.headers.has("content-encoding")], [502, false]);
  await answer.text();
  await gateway.expectSettled(1);
});

/** Begins a stream; the body is still to be scripted. */
async function openStream(operation = "converse-stream") {
  const gateway = startGateway(CONFIG);
  const sent = gateway.send(`/model/m/${operation}`, { headers: KEY, body: "{}" });
  const call = await gateway.bedrock.call(0);
  const upstream = call.answer(200, { ...EVENT_STREAM, "x-amzn-requestid": "r-1" });
  const answer = await sent.response;
  equal(answer.status, 200);
  return { gateway, sent, call, upstream, answer };
}

async function bytesOf(answer: Response): Promise<Bytes> {
  return new Uint8Array(await answer.arrayBuffer());
}

Deno.test("a stream's bytes come through the same however they are cut, with its headers", async () => {
  const streams: readonly (readonly [operation: string, frames: readonly Bytes[]])[] = [
    ["converse-stream", converseFrames("Hello", "world")],
    ["invoke-with-response-stream", invokeFrames({ type: "message_start" }, CLAUDE_STOP)],
  ];
  for (const [operation, frames] of streams) {
    for (const size of [1, 50, 10_000]) {
      const { gateway, upstream, answer } = await openStream(operation);
      upstream.push(...cutEvery(size, joined(...frames)));
      upstream.end();
      deepEqual(await bytesOf(answer), joined(...frames));
      equal(answer.headers.get("content-type"), EVENT_STREAM["content-type"]);
      equal(answer.headers.get("x-amzn-requestid"), "r-1");
      const [line] = await gateway.logLines();
      deepEqual(
        [line?.["input_tokens"], line?.["output_tokens"], line?.["upstream_request_id"]],
        [7, 3, "r-1"],
      );
      await gateway.expectSettled(1);
    }
  }
});

Deno.test("an idle stream is sent nothing, because event streams have no ping frame", async () => {
  const { gateway, upstream, answer } = await openStream();
  const bytes = bytesOf(answer);
  await upstream.pulled();
  gateway.advance(CONFIG.timeouts.idleMs - 100);
  upstream.push(...converseFrames("Hello"));
  upstream.end();
  deepEqual(await bytes, joined(...converseFrames("Hello")));
});

/** What the AWS SDK's decoder makes of the last frame of these bytes. */
function lastFrame(bytes: Bytes) {
  const codec = new EventStreamCodec(decodeUtf8, (text) => Buffer.from(text));
  let rest = bytes;
  for (;;) {
    const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0);
    if (length === rest.length) break;
    rest = rest.subarray(length);
  }
  const { headers, body } = codec.decode(rest);
  const values = Object.entries(headers).map(([name, { value }]) => [name, value]);
  return { headers: Object.fromEntries(values), body: JSON.parse(Buffer.from(body).toString()) };
}

type Break = (stream: Awaited<ReturnType<typeof openStream>>) => void;

const BREAKS: readonly (readonly [name: string, breakOff: Break, exception: string, kind: ErrorKind])[] = [
  ["ends in silence", ({ upstream }) => upstream.end(), "modelStreamErrorException", "stream_truncated"],
  [
    "loses its connection",
    ({ upstream }) => upstream.fail(),
    "modelStreamErrorException",
    "stream_truncated",
  ],
  [
    "ends inside a frame",
    ({ upstream }) => {
      upstream.push(exceptionFrame("throttlingException", "x").slice(0, 40));
      upstream.end();
    },
    "modelStreamErrorException",
    "stream_truncated",
  ],
  [
    "turns into something else",
    ({ upstream }) => upstream.push(encodeUtf8("<html>bad gateway</html>")),
    "internalServerException",
    "upstream_protocol",
  ],
  [
    "falls silent",
    ({ gateway }) => gateway.advance(CONFIG.timeouts.idleMs + 100),
    "internalServerException",
    "timeout",
  ],
  [
    "is ended by a shutdown",
    ({ gateway }) => gateway.pipeline.abortAll(new AditError("draining")),
    "serviceUnavailableException",
    "draining",
  ],
];

for (const [name, breakOff, exception, kind] of BREAKS) {
  Deno.test(`a stream that ${name} is ended with a frame that the AWS SDKs raise: ${exception}`, async () => {
    const stream = await openStream();
    const [start, hello] = converseFrames("Hello") as [Bytes, Bytes];
    stream.upstream.push(start, hello);
    const bytes = bytesOf(stream.answer);
    // The third read is the one that waits.
    await stream.upstream.pulled(3);
    breakOff(stream);
    const received = await bytes;
    deepEqual(received.subarray(0, start.length + hello.length), joined(start, hello));
    const { headers, body } = lastFrame(received);
    deepEqual(headers, {
      ":exception-type": exception,
      ":content-type": "application/json",
      ":message-type": "exception",
    });
    equal(typeof body.message, "string");
    const [line] = await stream.gateway.logLines();
    deepEqual([line?.["status"], line?.["error"]], [200, codeOf(kind)]);
    await stream.gateway.expectSettled(1);
  });
}

Deno.test("Bedrock's own exception is the last frame; nothing follows it", async () => {
  const { gateway, upstream, answer } = await openStream();
  const frames = joined(
    ...converseFrames("Hello").slice(0, 2),
    exceptionFrame("throttlingException", "slow"),
  );
  upstream.push(frames);
  upstream.end();
  deepEqual(await bytesOf(answer), frames);
  const [line] = await gateway.logLines();
  deepEqual([line?.["error"], line?.["upstream_message"]], ["rate_limit_exceeded", "slow"]);
  await gateway.expectSettled(1);
});

Deno.test("a client that leaves ends the upstream's work", async () => {
  const { gateway, upstream, answer, call } = await openStream();
  upstream.push(...converseFrames("Hello").slice(0, 2));
  const reader = answer.body?.getReader();
  ok(reader !== undefined);
  await reader.read();
  await reader.cancel();
  equal(call.init.signal.aborted, true);
  const [line] = await gateway.logLines();
  equal(line?.["error"], "client_gone");
  await gateway.expectSettled(1);
});

Deno.test("the upstream is asked for no more than the client takes", async () => {
  const { upstream, answer } = await openStream();
  const [start, hello] = converseFrames("Hello") as [Bytes, Bytes];
  upstream.push(start, ...Array.from({ length: 100 }, () => hello));
  const reader = answer.body?.getReader();
  ok(reader !== undefined);
  await reader.read();
  await reader.read();
  ok(upstream.pulls <= 2, `${upstream.pulls} pulls`);
  await reader.cancel();
});

const REFUSED:
  readonly (readonly [name: string, path: string, headers: Record<string, string>, kind: ErrorKind])[] = [
    ["without a key", "/model/m/converse", {}, "missing_key"],
    ["with a wrong key", "/model/m/converse", { "x-api-key": "nobody's" }, "invalid_key"],
    [
      "for a region that is not allowed",
      "/model/arn:aws:bedrock:eu-west-1::x%2Fy/invoke",
      KEY,
      "model_not_found",
    ],
    ["for an operation that is none", "/model/m/dance", KEY, "route_not_found"],
  ];

for (const [name, path, headers, kind] of REFUSED) {
  Deno.test(`a request ${name} is refused as AWS would, and marked as Adit's answer`, async () => {
    const gateway = startGateway(CONFIG);
    const answer = await gateway.send(path, { headers, body: "{}" }).response;
    const row = ERRORS[kind];
    equal(answer.status, "bedrockStatus" in row ? row.bedrockStatus : row.status);
    equal(answer.headers.get("x-amzn-errortype"), row.bedrock);
    equal(answer.headers.get("x-adit-error"), "true");
    equal(typeof (await answer.json()).message, "string");
    equal(gateway.bedrock.calls.length, 0);
    await gateway.expectSettled(1);
  });
}

Deno.test("an HTML page in place of Bedrock's answer is upstream_protocol, not a success", async () => {
  for (const operation of ["converse", "converse-stream"]) {
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(`/model/haiku/${operation}`, { headers: KEY, body: "{}" });
    (await gateway.bedrock.call(0)).answerWhole(200, "<html>Welcome", { "content-type": "text/html" });
    equal((await response).status, 502);
    const [line] = await gateway.logLines();
    equal(line?.["error"], "upstream_protocol");
  }
});
