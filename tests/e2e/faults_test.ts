/** Failures of the provider: an error status before the first event, an error event after it, never a success. */

import assert from "node:assert/strict";
import { converseFrames, corrupt, errorFrame, exceptionFrame } from "../fakes/frames.ts";
import type { HttpMessage } from "../fakes/http_reader.ts";
import {
  after,
  type Answer,
  close,
  type FakeUpstream,
  jsonAnswer,
  reset,
  startFakeUpstream,
  streamAnswer,
} from "../fakes/upstream.ts";
import { endpointConfig } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";
import {
  answerOf,
  type Ask,
  ask,
  begin,
  CHAT,
  CHAT_STREAM,
  CONVERSE_STREAM,
  eventsOf,
  framesOf,
  jsonOf,
  statusOf,
  textOf,
} from "./requests.ts";

const FRAMES = converseFrames("Hello", " there");
/** The start and the first delta. */
const BEGINNING = FRAMES.slice(0, 2);
const NEXT = FRAMES[2] ?? new Uint8Array();

const html: Answer = async (exchange) => {
  const body = "<html><body>502 Bad Gateway</body></html>";
  await exchange.head(502, { "content-type": "text/html", "content-length": String(body.length) });
  await exchange.write(body);
};

/** More frames of an answer that has begun, and its proper end. */
function rest(...frames: readonly Uint8Array[]): Answer {
  return async (exchange) => {
    for (const frame of frames) await exchange.chunk(frame);
    await exchange.end();
  };
}

type Fault = readonly [name: string, upstream: Answer, status: number, code: string];

const EXCEPTIONS: readonly (readonly [name: string, status: number, code: string])[] = [
  ["validationException", 400, "invalid_request_error"],
  ["throttlingException", 429, "rate_limit_exceeded"],
  ["modelStreamErrorException", 502, "model_error"],
  ["modelTimeoutException", 504, "timeout"],
  ["internalServerException", 502, "upstream_error"],
  ["serviceUnavailableException", 503, "overloaded"],
];

const AT_ONCE: readonly Fault[] = [
  // First on new connections: a pooled one is a separate case, below.
  ["a connection that is reset", reset, 502, "upstream_unreachable"],
  ["a connection that is closed", close, 502, "upstream_unreachable"],
  ...EXCEPTIONS.map(([name, status, code]): Fault => [
    `a ${name} as the first frame`,
    streamAnswer([exceptionFrame(name, "no luck")]),
    status,
    code,
  ]),
  ["an error frame", streamAnswer([errorFrame("Boom", "no luck")]), 502, "upstream_error"],
  ["a first frame that is damaged", streamAnswer(FRAMES.map(corrupt)), 502, "upstream_protocol"],
  ["a first frame that is cut", streamAnswer([NEXT.slice(0, 20)]), 502, "stream_truncated"],
  ["a stream of nothing", streamAnswer([]), 502, "stream_truncated"],
  ["a page of HTML", html, 502, "upstream_protocol"],
];

forEachRuntime("a failure before the first event is a status, after one attempt", async (runtime, t) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  for (const [name, answer, status, code] of AT_ONCE) {
    await t.step(name, async () => {
      const before = upstream.requests.length;
      // Bun 1.4.4 does not say whether the lost connection was new, so the gateway asks once more in any case.
      const attempts = runtime === "bun" && (answer === reset || answer === close) ? 2 : 1;
      upstream.script(...Array<Answer>(attempts).fill(answer));
      const seen = await ask(program.url, CHAT_STREAM);
      assert.equal(seen.headers.get("content-type"), "application/json");
      assert.deepEqual([statusOf(seen), jsonOf(seen).error.code], [status, code]);
      assert.equal(upstream.requests.length, before + attempts);
    });
  }
  assert.equal(program.stderr, "");
});

const LATER: readonly Fault[] = [
  ...EXCEPTIONS.map(([name, status, code]): Fault => [
    `a ${name}`,
    rest(exceptionFrame(name, "no luck")),
    status,
    code,
  ]),
  ["an end without messageStop", rest(NEXT), 502, "stream_truncated"],
  ["a damaged frame", rest(corrupt(NEXT), ...FRAMES.slice(3)), 502, "upstream_protocol"],
  ["a reset", reset, 502, "stream_truncated"],
  ["a close", close, 502, "stream_truncated"],
];

forEachRuntime("a failure after the first event is an error event without [DONE]", async (runtime, t) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  for (const [name, then, , code] of LATER) {
    await t.step(`${name} in a chat`, async () => {
      const seen = await brokenAnswer(program, CHAT_STREAM, { upstream, then });
      assert.equal(JSON.parse(eventsOf(seen).at(-1) ?? "").error.code, code);
      assert.doesNotMatch(textOf(seen), /\[DONE\]/);
    });
    await t.step(`${name} in a native stream`, async () => {
      const seen = framesOf(await brokenAnswer(program, CONVERSE_STREAM, { upstream, then }));
      assert.equal(seen[1]?.headers.get(":event-type"), "contentBlockDelta");
      assert.equal(seen.at(-1)?.headers.get(":message-type"), "exception");
    });
  }
  assert.equal(upstream.requests.length, 2 * LATER.length);
  assert.equal(program.stderr, "");
});

interface Break {
  readonly upstream: FakeUpstream;
  /** The upstream's action once the client has the first text, because a reset overtakes earlier bytes. */
  readonly then: Answer;
}

/** The whole response, properly ended, that a client gets for a stream that breaks off. */
async function brokenAnswer(program: Program, request: Ask, { upstream, then }: Break): Promise<HttpMessage> {
  const hasText = Promise.withResolvers<void>();
  upstream.script(streamAnswer(BEGINNING, { then: after(hasText.promise, then) }));
  await using client = await begin(program.url, request);
  assert.ok(await client.seen("Hello"));
  hasText.resolve();
  const answer = await answerOf(client);
  assert.deepEqual([statusOf(answer), answer.truncated], [200, false]);
  return answer;
}

forEachRuntime("a stream that is cut within a frame is an error, wherever it is cut", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  for (let cut = 1; cut < NEXT.length; cut++) {
    // The upstream ends its answer in the middle of a frame, or loses its connection there.
    const last: Answer = cut % 2 === 0 ? (exchange) => exchange.end() : close;
    const then: Answer = async (exchange) => {
      await exchange.chunk(NEXT.slice(0, cut));
      await last(exchange);
    };
    const chat = await brokenAnswer(program, CHAT_STREAM, { upstream, then });
    assert.equal(JSON.parse(eventsOf(chat).at(-1) ?? "").error.code, "stream_truncated", `cut at ${cut}`);
    assert.doesNotMatch(textOf(chat), /\[DONE\]/);
    const native = framesOf(await brokenAnswer(program, CONVERSE_STREAM, { upstream, then }));
    assert.equal(native.length, BEGINNING.length + 1);
    assert.equal(native.at(-1)?.headers.get(":exception-type"), "modelStreamErrorException", `cut at ${cut}`);
  }
});

/**
 * Deno 2.9.6 itself sends a request once more when a connection out of its pool is lost before the answer, unless the body
 * is a stream, whose length is not known. On Bun the gateway does.
 */
forEachRuntime(
  "a request whose pooled connection is lost is sent once more, but not a third time",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    // Each thread has connections of its own.
    await using program = await startProgram(runtime, endpointConfig(upstream.url, "threads: 1\n"));
    for (const request of [CHAT, CHAT_STREAM, CONVERSE_STREAM]) {
      upstream.script(jsonAnswer(400, { message: "the connection stays" }));
      upstream.always(reset);
      await ask(program.url, request);
      const before = upstream.requests.length;
      assert.equal(statusOf(await ask(program.url, request)), 502);
      assert.equal(upstream.requests.length, before + 2);
    }
  },
);
