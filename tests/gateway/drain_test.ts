/** `after_client_left: drain`: a response whose client has left is read to the end, for exact counts. */

import { deepEqual, equal } from "node:assert/strict";
import { AditError } from "../../lib/base/errors.ts";
import type { RateLimit } from "../../lib/snapshot/limits.ts";
import { converseFrames, USAGE } from "../fakes/frames.ts";
import { startGateway } from "../fakes/gateway.ts";
import type { ScriptedBody } from "../fakes/fetch.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";
import { rule } from "../suites/limit_rules.ts";
import { ANSWER, CHAT, chatBody } from "./requests.ts";

const HAIKU = model("haiku", provider("east", "us-east-1"));
const ANN = caller("ann", { models: ["*"] });
const FRAMES = converseFrames("Hello", " there");
const EVENT_STREAM = { "content-type": "application/vnd.amazon.eventstream" };
/** Maximum time for reading a response after its client has left. */
const MAX_MS = 300_000;

function start({ drains = true, rules = [] }: { drains?: boolean; rules?: readonly RateLimit[] } = {}) {
  const retry = { ...HAIKU.routing.retry, attempts: 3, share: 1 };
  const routing = { ...HAIKU.routing, retry, afterClientLeft: drains ? "drain" : "abort" } as const;
  const gateway = startGateway(snapshot({
    models: [{ ...HAIKU, routing }],
    callers: [ANN],
    rateLimits: rules,
    limits: { ...snapshot().limits, concurrent: 1000 },
  }));
  const send = (stream: boolean) =>
    gateway.send(CHAT, {
      headers: { authorization: `Bearer ${ANN.key}` },
      body: chatBody({ stream, max_tokens: 100 }),
    });
  /** A stream with its first frames, one of which has been read. */
  const stream = async (): Promise<
    { body: ScriptedBody; reader: ReadableStreamDefaultReader; leave(): void }
  > => {
    const index = gateway.bedrock.calls.length;
    const { response, leave } = send(true);
    const body = (await gateway.bedrock.call(index)).answer(200, EVENT_STREAM);
    body.push(...FRAMES.slice(0, 2));
    const reader = (await response).body?.getReader();
    if (reader === undefined) throw new Error("no body");
    await reader.read();
    return { body, reader, leave };
  };
  return {
    gateway,
    send,
    stream,
    /** The log line of a request. */
    line: async (index = 0) => {
      const line = (await gateway.logLines())[index] ?? {};
      return [
        line["status"],
        line["error"],
        line["input_tokens"],
        line["output_tokens"],
        line["estimated"],
        line["drained"],
      ];
    },
  };
}

/** Lets everything that is ready to run do so. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("a stream whose client has left is read to the end: counts are exact, and its slot is free at once", async () => {
  const { gateway, stream, line } = start({ rules: [rule("one", { concurrent: 1, tokens: "10k/m" })] });
  const first = await stream();
  await first.reader.cancel();
  equal(gateway.pipeline.inFlight, 1);
  // The slot is free although the upstream is still being read, and the tokens are still held.
  const second = await stream();
  await second.reader.cancel();
  for (const { body } of [first, second]) {
    body.push(...FRAMES.slice(2));
    body.end();
  }
  await turn();
  const exact = [200, "client_gone", USAGE.inputTokens, USAGE.outputTokens, undefined, true];
  deepEqual([await line(0), await line(1)], [exact, exact]);
  await gateway.expectSettled(2);
});

Deno.test("the runtime may report that the client has left in either way, or in both", async () => {
  const { gateway, stream, line } = start();
  const { body, reader, leave } = await stream();
  leave();
  await reader.cancel();
  body.push(...FRAMES.slice(2));
  body.end();
  await turn();
  deepEqual((await line()).slice(-2), [undefined, true]);
  await gateway.expectSettled(1);
});

Deno.test("without drain, the upstream request is aborted and the usage estimated", async () => {
  const { gateway, stream, line } = start({ drains: false });
  const { body, reader } = await stream();
  await reader.cancel();
  equal(body.cancelled, true);
  deepEqual((await line()).slice(-2), [true, undefined]);
  await gateway.expectSettled(1);
});

Deno.test("a stream that breaks off, or takes too long, is estimated", async () => {
  const { gateway, stream, line } = start();
  const broken = await stream();
  await broken.reader.cancel();
  broken.body.fail();
  await turn();
  deepEqual((await line(0)).slice(-2), [true, undefined]);
  const long = await stream();
  await long.reader.cancel();
  for (let ms = 0; ms < MAX_MS; ms += 20_000) {
    // Data keeps arriving, so that no other timeout ends it.
    long.body.push(...FRAMES.slice(1, 2));
    await turn();
    gateway.advance(20_000);
  }
  await turn();
  deepEqual((await line(1)).slice(-2), [true, undefined]);
  equal(long.body.cancelled, true);
  await gateway.expectSettled(2);
});

Deno.test("a whole answer whose client has left counts as Bedrock reports it", async () => {
  const { gateway, send, line } = start();
  const { response, leave } = send(false);
  const call = await gateway.bedrock.call(0);
  leave();
  equal(call.init.signal.aborted, false);
  call.answerWhole(200, ANSWER, { "content-type": "application/json" });
  await response;
  deepEqual(await line(), [499, "client_gone", USAGE.inputTokens, USAGE.outputTokens, undefined, true]);
  await gateway.expectSettled(1);
});

Deno.test("a stream that begins after its client has left is also read", async () => {
  const { gateway, send, line } = start();
  const { response, leave } = send(true);
  const call = await gateway.bedrock.call(0);
  leave();
  const body = call.answer(200, EVENT_STREAM);
  body.push(...FRAMES);
  body.end();
  await response;
  await turn();
  deepEqual((await line()).slice(1), ["client_gone", USAGE.inputTokens, USAGE.outputTokens, undefined, true]);
  await gateway.expectSettled(1);
});

Deno.test("once the client has left, a refusal is not retried, and an unsent request ends at once", async () => {
  const { gateway, send, line } = start();
  const { response, leave } = send(false);
  const call = await gateway.bedrock.call(0);
  leave();
  call.answerWhole(500, "{}", { "x-amzn-errortype": "InternalServerException" });
  equal((await response).status, 502);
  equal(gateway.bedrock.calls.length, 1);
  deepEqual((await line()).slice(2), [undefined, undefined, undefined, undefined]);
  const early = send(false);
  early.leave();
  await early.response;
  await gateway.expectSettled(2);
});

Deno.test("64 responses are read at the same time and further ones aborted; a shutdown aborts all", async () => {
  const { gateway, stream } = start();
  const streams = [];
  for (let count = 0; count < 65; count++) {
    const each = await stream();
    await each.reader.cancel();
    streams.push(each);
  }
  deepEqual(streams.map(({ body }) => body.cancelled).indexOf(true), 64);
  equal(gateway.pipeline.inFlight, 64);
  const waiting = [gateway.pipeline.noneLeftBehind(), gateway.pipeline.noneLeftBehind()];
  gateway.pipeline.abortAll(new AditError("draining"));
  await Promise.all(waiting);
  await gateway.expectSettled(65);
});
