/** Silent providers: unreachable, without a response, late, or stalled. */

import assert from "node:assert/strict";
import { converseFrames, exceptionFrame, invokeFrames, joined } from "../fakes/frames.ts";
import { after, type Answer, stall, startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { freePort } from "../repository.ts";
import { endpointConfig } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";
import {
  answerOf,
  type Ask,
  ask,
  begin,
  CHAT,
  CHAT_STREAM,
  CONVERSE,
  CONVERSE_STREAM,
  eventsOf,
  framesOf,
  jsonOf,
  statusOf,
  textOf,
} from "./requests.ts";

const FRAMES = converseFrames("Hello", " there");

const headThenSilence = streamAnswer([], { then: stall });

forEachRuntime("a provider that does not respond within first_byte or idle is a 504", async (runtime) => {
  await using upstream = await startFakeUpstream();
  const timeouts = "timeouts: { first_byte: 200ms, idle: 200ms }";
  await using program = await startProgram(runtime, endpointConfig(upstream.url, timeouts));
  const cases: readonly (readonly [Ask, Answer])[] = [
    [CHAT, stall],
    [CHAT_STREAM, stall],
    [CHAT_STREAM, headThenSilence],
    [CONVERSE, stall],
    [CONVERSE_STREAM, stall],
  ];
  for (const [request, silence] of cases) {
    upstream.script(silence);
    const answer = await ask(program.url, request);
    assert.equal(statusOf(answer), 504);
    assert.match(textOf(answer), /did not (?:start|continue) within 0\.2 s/);
    await upstream.idle();
  }
});

forEachRuntime(
  "a provider that pauses for longer than timeouts.idle causes an error event",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(runtime, endpointConfig(upstream.url, "timeouts: { idle: 4s }"));
    upstream.always(streamAnswer(FRAMES.slice(0, 2), { then: stall }));
    const chat = await ask(program.url, CHAT_STREAM);
    assert.equal(JSON.parse(eventsOf(chat).at(-1) ?? "").error.code, "timeout");
    assert.doesNotMatch(textOf(chat), /\[DONE\]/);
    const native = framesOf(await ask(program.url, CONVERSE_STREAM));
    assert.equal(native.at(-1)?.headers.get(":exception-type"), "internalServerException");
    await upstream.idle();
  },
);

forEachRuntime("the status waits for the first event, however long after the head", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  const release = Promise.withResolvers<void>();
  const headIsOut = Promise.withResolvers<void>();
  upstream.script(streamAnswer([], {
    then: async (exchange) => {
      headIsOut.resolve();
      await release.promise;
      await exchange.chunk(exceptionFrame("throttlingException", "slow down"));
      await exchange.end();
    },
  }));
  await using client = await begin(program.url, CHAT_STREAM);
  await headIsOut.promise;
  // The gateway has read the head by the time it has answered others over the same event loop.
  for (let i = 0; i < 10; i++) await ask(program.url, { line: "GET /healthz" });
  assert.equal(client.pending, "");
  release.resolve();
  assert.equal(statusOf(await answerOf(client)), 429);
});

forEachRuntime("a silence is filled with comments until the provider continues", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(
    runtime,
    endpointConfig(upstream.url, "timeouts: { keepalive: 50ms }"),
  );
  const comments = Promise.withResolvers<void>();
  upstream.script(streamAnswer(FRAMES.slice(0, 2), {
    then: after(comments.promise, async (exchange) => {
      for (const frame of FRAMES.slice(2)) await exchange.chunk(frame);
      await exchange.end();
    }),
  }));
  await using client = await begin(program.url, CHAT_STREAM);
  assert.ok(await client.through("Hello") !== undefined);
  assert.ok(await client.through(": keep-alive\n\n") !== undefined);
  comments.resolve();
  const rest = await client.through("\r\n0\r\n\r\n") ?? "";
  assert.match(rest, / there[^]*data: \[DONE\]\n\n\r\n0\r\n\r\n$/);
});

const messages = (model: string): Ask => ({
  line: "POST /v1/messages",
  body: JSON.stringify({
    model,
    max_tokens: 5,
    stream: true,
    messages: [{ role: "user", content: "Hello" }],
  }),
});
const RESPONSES: Ask = {
  line: "POST /v1/responses",
  body: JSON.stringify({ model: "nova", stream: true, input: "Hello" }),
};
const CLAUDE_START = joined(
  ...invokeFrames({ type: "message_start", message: { usage: { input_tokens: 1, output_tokens: 1 } } }),
);

/** Streams on every route with pings, each with the first event of the model and the ping. */
const PINGED: readonly (readonly [route: string, request: Ask, first: Uint8Array, ping: string])[] = [
  ["Chat", CHAT_STREAM, joined(...FRAMES.slice(0, 1)), ": keep-alive\n\n"],
  ["Messages by Converse", messages("nova"), joined(...FRAMES.slice(0, 1)), "event: ping\n"],
  ["Messages by InvokeModel", messages("claude"), CLAUDE_START, "event: ping\n"],
  ["Responses", RESPONSES, joined(...FRAMES.slice(0, 1)), "event: keepalive\n"],
];

for (const [route, request, first, ping] of PINGED) {
  forEachRuntime(`${route}: a ping is sent before the first token`, async (runtime) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(
      runtime,
      endpointConfig(upstream.url, "timeouts: { keepalive: 50ms }"),
    );
    upstream.script(streamAnswer([first], { then: stall }));
    await using client = await begin(program.url, request);
    assert.ok(await client.seen(ping));
    assert.match(client.pending, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(client.pending, /"(?:content|text|delta)":"[^"]/);
    await client.close();
    await upstream.idle();
  });
}

forEachRuntime("a provider that refuses connections is a 502", async (runtime) => {
  const nowhere = `http://127.0.0.1:${freePort()}`;
  await using program = await startProgram(runtime, endpointConfig(nowhere));
  const chat = await ask(program.url, CHAT);
  assert.deepEqual([statusOf(chat), jsonOf(chat).error.code], [502, "upstream_unreachable"]);
  const native = await ask(program.url, CONVERSE_STREAM);
  assert.deepEqual([statusOf(native), native.headers.get("x-amzn-errortype")], [
    502,
    "InternalServerException",
  ]);
  const line = await program.waitForLog(({ message }) => message === "request");
  assert.match(String(line["cause"]), /refused|ECONNREFUSED|ConnectionRefused|Unable to connect/i);
});

forEachRuntime(
  "a provider whose host drops connections is a 502 after the connect timeout",
  async (runtime) => {
    // Its backlog is full and nobody accepts, so that the system drops what else asks to connect.
    using deaf = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    const { port } = deaf.addr;
    const fillers = await Promise.all([1, 2].map(() => Deno.connect({ hostname: "127.0.0.1", port })));
    try {
      const config = endpointConfig(`http://127.0.0.1:${port}`, "timeouts: { connect: 200ms }");
      await using program = await startProgram(runtime, config);
      for (const request of [CHAT, CHAT_STREAM, CONVERSE]) {
        assert.equal(statusOf(await ask(program.url, request)), 502);
      }
      const line = await program.waitForLog(({ message }) => message === "request");
      assert.equal(line["error"], "upstream_unreachable");
    } finally {
      for (const filler of fillers) filler.close();
    }
  },
);
