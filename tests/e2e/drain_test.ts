/** SIGTERM: no new request is accepted, running ones finish or end with an error, and the exit code is 0. */

import assert from "node:assert/strict";
import { converseFrames } from "../fakes/frames.ts";
import { after, type Answer, jsonAnswer, stall, startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { endpointConfig } from "./configs.ts";
import { forEachRuntime, type LogLine, type Program, startProgram } from "./program.ts";
import {
  admin,
  answerOf,
  begin,
  CHAT,
  CHAT_STREAM,
  CONVERSE_STREAM,
  eventsOf,
  framesOf,
  jsonOf,
  MODELS,
  refused,
  send,
  statusOf,
  textOf,
} from "./requests.ts";

const FRAMES = converseFrames("Hello", " there");
const BEGINNING = FRAMES.slice(0, 2);
const beginAndStall = streamAnswer(BEGINNING, { then: stall });

/** Resolves when the program has begun to drain. */
async function draining(program: Program): Promise<void> {
  await program.waitForLog(({ message }) => message === "draining");
}

const REFUSAL = jsonAnswer(400, { message: "enough" }, {
  "x-amzn-errortype": "ValidationException",
});

forEachRuntime(
  "streams that end within timeouts.drain complete, while new requests are refused",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(runtime, endpointConfig(upstream.url));
    const release = Promise.withResolvers<void>();
    const finish: Answer = async (exchange) => {
      for (const frame of FRAMES.slice(2)) await exchange.chunk(frame);
      await exchange.end();
    };
    upstream.always(streamAnswer(BEGINNING, { then: after(release.promise, finish) }));
    await using idle = await begin(program.url, MODELS);
    await answerOf(idle);
    await using chat = await begin(program.url, CHAT_STREAM);
    await using native = await begin(program.url, CONVERSE_STREAM);
    assert.ok(await chat.seen("Hello"));
    assert.ok(await native.seen("Hello"));
    assert.equal((await admin(program, "GET /-/ready")).status, 200);

    const stopped = program.stop();
    await draining(program);
    await idle.closed;
    await refused(program.url);
    assert.equal((await admin(program, "GET /-/ready")).status, 503);
    assert.equal((await admin(program, "GET /healthz")).status, 200);
    assert.equal((await admin(program, "POST /-/reload")).status, 422);

    release.resolve();
    assert.equal(eventsOf(await answerOf(chat)).at(-1), "[DONE]");
    assert.equal(framesOf(await answerOf(native)).length, FRAMES.length);
    assert.equal((await stopped).code, 0);
    assert.equal(program.logs.at(-1)?.message, "stopped");
  },
);

forEachRuntime(
  "during timeouts.drain_delay requests are still accepted, while the gateway already reports that it is not ready",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    // The program is ended before the delay has passed.
    await using program = await startProgram(
      runtime,
      endpointConfig(upstream.url, "timeouts: { drain_delay: 5m }"),
    );
    const stopped = program.stop();
    await draining(program);
    assert.equal((await admin(program, "GET /-/ready")).status, 503);
    await using client = await begin(program.url, MODELS);
    assert.equal(statusOf(await answerOf(client)), 200);
    await program.stop("SIGKILL");
    await stopped;
  },
);

forEachRuntime(
  "requests that do not end within timeouts.drain get an error, and the exit code is 0",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(
      runtime,
      endpointConfig(upstream.url, "timeouts: { drain: 200ms }"),
    );
    upstream.script(stall);
    await using waiting = await begin(program.url, CHAT);
    await upstream.requestAt(0);
    upstream.always(beginAndStall);
    await using chat = await begin(program.url, CHAT_STREAM);
    await using native = await begin(program.url, CONVERSE_STREAM);
    assert.ok(await chat.seen("Hello"));
    assert.ok(await native.seen("Hello"));

    const stopped = program.stop();
    const refused = await answerOf(waiting);
    assert.deepEqual([statusOf(refused), refused.headers.get("retry-after")], [503, "1"]);
    assert.match(jsonOf(refused).error.message, /shutting down/);
    const chatAnswer = await answerOf(chat);
    assert.equal(chatAnswer.truncated, false);
    assert.match(JSON.parse(eventsOf(chatAnswer).at(-1) ?? "").error.message, /shutting down/);
    assert.doesNotMatch(textOf(chatAnswer), /\[DONE\]/);
    const nativeAnswer = await answerOf(native);
    assert.equal(nativeAnswer.truncated, false);
    assert.equal(
      framesOf(nativeAnswer).at(-1)?.headers.get(":exception-type"),
      "serviceUnavailableException",
    );
    await upstream.idle();
    assert.equal((await stopped).code, 0);
  },
);

forEachRuntime(
  "a request that is in flight at the signal is answered, the next on its connection is not",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(runtime, endpointConfig(upstream.url));
    const release = Promise.withResolvers<void>();
    upstream.always(after(release.promise, REFUSAL));
    await using client = await begin(program.url, CHAT);
    await upstream.requestAt(0);
    const stopped = program.stop();
    await draining(program);
    release.resolve();
    assert.equal(statusOf(await answerOf(client)), 400);
    send(client, MODELS);
    // Either the connection is closed behind the answer, or it says why nothing more is taken over it.
    const next = await client.answer();
    assert.ok(next === undefined || statusOf(next) === 503);
    assert.equal((await stopped).code, 0);
  },
);

for (const second of ["SIGTERM", "SIGINT"] as const) {
  forEachRuntime(
    `a ${second} a second after the first signal ends the program at once with 1, and says so`,
    async (runtime) => {
      await using upstream = await startFakeUpstream();
      await using program = await startProgram(runtime, endpointConfig(upstream.url));
      upstream.always(beginAndStall);
      await using client = await begin(program.url, CHAT_STREAM);
      assert.ok(await client.seen("Hello"));
      const stopped = program.stop();
      await draining(program);
      const isAnswer = ({ message }: LogLine) => /^signal ignored|^exiting immediately/.test(message);
      let answer: LogLine;
      // Within the first second it counts as the same signal, and running requests continue.
      do {
        const { length } = program.logs;
        Deno.kill(program.pid, second);
        answer = await program.waitForLog(isAnswer, length);
      } while (answer.message !== "exiting immediately after a second signal");
      assert.equal(answer["signal"], second);
      assert.equal((await stopped).code, 1);
      // It was cut off, and must not look complete.
      assert.equal((await answerOf(client)).truncated, true);
    },
  );
}

forEachRuntime("with timeouts.drain 0s, in-flight requests end at once", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url, "timeouts: { drain: 0s }"));
  upstream.always(beginAndStall);
  await using client = await begin(program.url, CHAT_STREAM);
  assert.ok(await client.seen("Hello"));
  const stopped = program.stop();
  assert.match(JSON.parse(eventsOf(await answerOf(client)).at(-1) ?? "").error.message, /shutting down/);
  assert.equal((await stopped).code, 0);
});

forEachRuntime("a client that does not read does not delay the end", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(
    runtime,
    endpointConfig(upstream.url, "timeouts: { drain: 100ms }"),
  );
  upstream.always(streamAnswer(BEGINNING, {
    then: async (exchange) => {
      let hasLeft = false;
      void exchange.clientClosed.then(() => hasLeft = true);
      while (!hasLeft) await exchange.chunk(BEGINNING[1] ?? "");
    },
  }));
  await using client = await begin(program.url, CONVERSE_STREAM);
  assert.ok(await client.seen("Hello"));
  client.socket.pause();
  assert.equal((await program.stop()).code, 0);
});

forEachRuntime("a signal that is sent twice at once lets everything finish", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  const release = Promise.withResolvers<void>();
  upstream.always(after(release.promise, REFUSAL));
  await using client = await begin(program.url, CHAT);
  await upstream.requestAt(0);
  for (const signal of ["SIGINT", "SIGTERM", "SIGINT"] as const) Deno.kill(program.pid, signal);
  await program.waitForLog(({ message }) => message.startsWith("signal ignored"));
  release.resolve();
  assert.equal(statusOf(await answerOf(client)), 400);
  assert.equal((await program.exited).code, 0);
});
