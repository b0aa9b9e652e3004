/** The request path over real sockets, where the hazards are: clients and upstreams that leave, stall and break. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { systemClock, TimerWheel } from "../../lib/base/clock.ts";
import { buildGateway } from "../../lib/app/build_gateway.ts";
import { createLogger } from "../../lib/base/log/log.ts";
import { Secret } from "../../lib/base/secret.ts";

import type { Pipeline } from "../../lib/gateway/pipeline.ts";
import { denoRuntime } from "../../lib/runtime/deno.ts";
import { probeConnection } from "../../lib/providers/transport/probe.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { converseFrames, joined } from "../fakes/frames.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { caller, model, native, provider, snapshot, type SnapshotParts } from "../fakes/snapshot.ts";
import {
  type FakeUpstream,
  jsonAnswer,
  reset,
  stall,
  startFakeUpstream,
  streamAnswer,
} from "../fakes/upstream.ts";

const SEARCH = caller("search", { models: new Set(["haiku"]), native: native(["us-east-1"]) });
const KEY = { Authorization: `Bearer ${SEARCH.key}` };
const CHAT = "POST /v1/chat/completions";
const NATIVE = "POST /model/m/converse-stream";
const FRAMES = converseFrames("Hello");

function chatBody(stream: boolean): string {
  return JSON.stringify({ model: "haiku", stream, messages: [{ role: "user", content: "Hi" }] });
}

interface Gateway extends AsyncDisposable {
  readonly url: string;
  readonly pipeline: Pipeline;
  readonly timers: TimerWheel;
  readonly bedrock: FakeUpstream;
  /** The next line of the request log. */
  nextLine(): Promise<Record<string, unknown>>;
}

async function startGateway(overrides: SnapshotParts = {}): Promise<Gateway> {
  const bedrock = await startFakeUpstream();
  const east = provider("east", "us-east-1", bedrock.url);
  const timers = new TimerWheel(systemClock);
  const lines: string[] = [];
  let wake = () => {};
  const logger = createLogger((text) => {
    lines.push(...text.trimEnd().split("\n"));
    wake();
    return Promise.resolve();
  }, { clock: systemClock });
  const { pipeline } = buildGateway({
    store: new MemoryStore(),
    clock: systemClock,
    timers,
    logger,
    snapshot: snapshot({ models: [model("haiku", east)], callers: [SEARCH], ...overrides }),
    fetch: denoRuntime.fetch,
    emulator: { fetch: denoRuntime.fetch, accessKeyId: "E", secretAccessKey: new Secret("s") },
    probe: probeConnection,
    userAgent: "adit/test",
  });
  const server = denoRuntime.serve({ hostname: "127.0.0.1", port: 0, handle: pipeline.handle });
  return {
    url: `http://127.0.0.1:${server.port}`,
    pipeline,
    timers,
    bedrock,
    async nextLine() {
      while (lines.length === 0) await new Promise<void>((resolve) => wake = resolve);
      return JSON.parse(lines.shift() ?? "");
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await bedrock.close();
    },
  };
}

for (
  const [name, line, body] of [
    ["a chat", CHAT, chatBody(false)],
    ["a chat stream", CHAT, chatBody(true)],
    ["a native stream", NATIVE, "{}"],
  ] as const
) {
  Deno.test(`a client of ${name} that leaves before the answer closes the upstream's connection`, async () => {
    for (const leave of ["close", "reset"] as const) {
      await using gateway = await startGateway();
      gateway.bedrock.always(stall);
      await using client = await connectRaw(gateway.url);
      client.send(requestText(line, KEY, body));
      await gateway.bedrock.requestAt(0);
      await client[leave]();
      await gateway.bedrock.idle();
      equal((await gateway.nextLine())["error"], "client_gone");
      deepEqual([gateway.pipeline.inFlight, gateway.timers.size], [0, 0]);
    }
  });
}

for (
  const [name, line, body] of [["a chat stream", CHAT, chatBody(true)], [
    "a native stream",
    NATIVE,
    "{}",
  ]] as const
) {
  Deno.test(`a client of ${name} that leaves in the middle closes the upstream's connection`, async () => {
    for (const leave of ["close", "reset"] as const) {
      await using gateway = await startGateway();
      gateway.bedrock.always(streamAnswer(FRAMES.slice(0, 2), { then: stall }));
      await using client = await connectRaw(gateway.url);
      client.send(requestText(line, KEY, body));
      ok(await client.through("Hello") !== undefined);
      await client[leave]();
      await gateway.bedrock.idle();
      equal((await gateway.nextLine())["error"], "client_gone");
      deepEqual([gateway.pipeline.inFlight, gateway.timers.size], [0, 0]);
    }
  });
}

Deno.test("a client that does not read holds the upstream back", async () => {
  await using gateway = await startGateway();
  const [start, hello] = FRAMES as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  const piece = joined(...Array.from({ length: 1_000 }, () => hello));
  const limit = 256 * 1024 * 1024;
  let written = 0;
  let heldBack = () => {};
  const isHeldBack = new Promise<void>((resolve) => heldBack = resolve);
  gateway.bedrock.always(async (exchange) => {
    await streamAnswer([start], { then: () => {} })(exchange);
    let left = false;
    void exchange.clientClosed.then(() => left = true);
    while (!left && written < limit) {
      const pause = setTimeout(heldBack, 500);
      await exchange.chunk(piece);
      clearTimeout(pause);
      written += piece.length;
    }
    heldBack();
  });
  await using client = await connectRaw(gateway.url);
  client.socket.pause();
  client.send(requestText(NATIVE, KEY, "{}"));
  await isHeldBack;
  ok(written < limit, `${written} bytes went to a client that does not read`);
  await client.reset();
  await gateway.bedrock.idle();
});

Deno.test("an upstream that breaks the connection off before its answer is a 502", async () => {
  await using gateway = await startGateway();
  gateway.bedrock.always(reset);
  await using client = await connectRaw(gateway.url);
  client.send(requestText(CHAT, KEY, chatBody(false)));
  const answer = await client.answer();
  equal(answer?.startLine, "HTTP/1.1 502 Bad Gateway");
  equal((await gateway.nextLine())["error"], "upstream_unreachable");
});

Deno.test("an upstream that breaks off in a stream is an error event, and a proper end of the body", async () => {
  await using gateway = await startGateway();
  gateway.bedrock.always(streamAnswer(FRAMES.slice(0, 2), { then: reset }));
  await using client = await connectRaw(gateway.url);
  client.send(requestText(CHAT, KEY, chatBody(true)));
  const answer = await client.answer();
  const text = new TextDecoder().decode(answer?.body);
  ok(text.includes('"code":"stream_truncated"'), text);
  equal(text.includes("[DONE]"), false);
  equal(answer?.truncated, false);
});

Deno.test("an upstream without a listener is an immediate 502", async () => {
  await using gateway = await startGateway();
  await gateway.bedrock.close();
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: KEY,
    body: chatBody(false),
  });
  equal(answer.status, 502);
  equal((await answer.json()).error.code, "upstream_unreachable");
});

Deno.test("connections are reused after responses, refusals and unread bodies", async () => {
  await using gateway = await startGateway({ limits: { ...snapshot().limits, bodyBytes: 1_000 } });
  gateway.bedrock.script(
    jsonAnswer(429, { message: "slow down" }),
    streamAnswer(FRAMES),
    streamAnswer(FRAMES),
  );
  await using client = await connectRaw(gateway.url);
  const long = "x".repeat(100_000);
  const requests: readonly (readonly [request: string, status: string])[] = [
    [requestText(CHAT, {}, long), "401"],
    [requestText("POST /nothing", KEY, long), "404"],
    [requestText(CHAT, KEY, long), "413"],
    [requestText(CHAT, KEY, chatBody(false)), "429"],
    [requestText(CHAT, KEY, chatBody(true)), "200"],
    [requestText(NATIVE, KEY, "{}"), "200"],
    [requestText("GET /healthz"), "200"],
  ];
  for (const [request, status] of requests) {
    client.send(request);
    equal((await client.answer())?.startLine.split(" ")[1], status);
  }
  equal(gateway.bedrock.connections, 1);
});

Deno.test("a native stream goes through byte for byte", async () => {
  await using gateway = await startGateway();
  const whole = joined(...FRAMES);
  const cuts = [1, 13, 14, 100, whole.length - 1];
  gateway.bedrock.script(streamAnswer(FRAMES, { cuts, headers: { "x-amzn-requestid": "r-1" } }));
  await using client = await connectRaw(gateway.url);
  client.send(requestText(NATIVE, { ...KEY, "X-Amzn-Bedrock-Trace": "ENABLED" }, '{ "a":1 }'));
  const answer = await client.answer();
  deepEqual(answer?.body, whole);
  equal(answer?.headers.get("x-amzn-requestid"), "r-1");
  const sent = await gateway.bedrock.requestAt(0);
  equal(sent.startLine, "POST /model/m/converse-stream HTTP/1.1");
  equal(new TextDecoder().decode(sent.body), '{ "a":1 }');
  equal(sent.headers.get("x-amzn-bedrock-trace"), "ENABLED");
});
