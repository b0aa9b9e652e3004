/** Clients that leave, or stop reading: the provider's work is cancelled. */

import assert from "node:assert/strict";
import { converseFrames, joined, USAGE } from "../fakes/frames.ts";
import { jsonAnswer, stall, startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { endpointConfig } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";
import { ask, begin, CHAT, CHAT_STREAM, CONVERSE, CONVERSE_STREAM, statusOf } from "./requests.ts";

const FRAMES = converseFrames("Hello");
const BEGINNING = FRAMES.slice(0, 2);

/** The provider's work is cancelled because the client has left: every timeout would be later. */
const LET_GO_MS = 30_000;

/** Fails if the event does not come within `LET_GO_MS`. */
async function soon(event: Promise<unknown>, what: string): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} took over ${LET_GO_MS} ms`)), LET_GO_MS);
  try {
    await Promise.race([event, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

forEachRuntime("a client that leaves before the response cancels the provider's work", async (runtime, t) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  upstream.always(stall);
  for (const request of [CHAT, CHAT_STREAM, CONVERSE, CONVERSE_STREAM]) {
    for (const leave of ["close", "reset"] as const) {
      await t.step(
        `${request.line} ${request.body?.includes("stream") ? "streamed" : ""}, ${leave}`,
        async () => {
          const log = program.logs.length;
          await using client = await begin(program.url, request);
          await upstream.requestAt(upstream.requests.length);
          await client[leave]();
          await soon(upstream.idle(), "letting go");
          const line = await program.waitForLog(({ message }) => message === "request", log);
          assert.equal(line["error"], "client_gone");
        },
      );
    }
  }
});

forEachRuntime("a client that leaves during a stream cancels the provider's work", async (runtime, t) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  upstream.always(streamAnswer(BEGINNING, { then: stall }));
  for (const request of [CHAT_STREAM, CONVERSE_STREAM]) {
    for (const leave of ["close", "reset"] as const) {
      await t.step(`${request.line}, ${leave}`, async () => {
        const log = program.logs.length;
        await using client = await begin(program.url, request);
        assert.ok(await client.seen("Hello"));
        await client[leave]();
        await soon(upstream.idle(), "letting go");
        const line = await program.waitForLog(({ message }) => message === "request", log);
        assert.deepEqual([line["error"], line["status"]], ["client_gone", 200]);
      });
    }
  }
});

const ANSWER = jsonAnswer(200, {
  metrics: { latencyMs: 9 },
  output: { message: { role: "assistant", content: [{ text: "Hello" }] } },
  stopReason: "end_turn",
  usage: USAGE,
});

forEachRuntime(
  "with after_client_left: drain, the response is read to its end",
  async (runtime, t) => {
    await using upstream = await startFakeUpstream();
    const config = endpointConfig(upstream.url, "rate_limits: { one: { concurrent: 1, wait: 1m } }\n")
      .replaceAll("{ provider: east,", "{ provider: east, after_client_left: drain,");
    await using program = await startProgram(runtime, config);
    for (const request of [CHAT, CHAT_STREAM, CONVERSE, CONVERSE_STREAM]) {
      const isStream = request === CHAT_STREAM || request === CONVERSE_STREAM;
      for (const leave of ["close", "reset"] as const) {
        await t.step(`${request.line}${isStream ? " streamed" : ""}, ${leave}`, async () => {
          const log = program.logs.length;
          const first = upstream.requests.length;
          const goOn = Promise.withResolvers<void>();
          upstream.script(
            async (exchange) => {
              if (!isStream) return await goOn.promise.then(() => ANSWER(exchange));
              await streamAnswer(BEGINNING, {
                then: async () => {
                  await goOn.promise;
                  await exchange.chunk(joined(...FRAMES.slice(2)));
                  await exchange.end();
                },
              })(exchange);
            },
            ANSWER,
          );
          await using client = await begin(program.url, request);
          await upstream.requestAt(first);
          if (isStream) assert.ok(await client.seen("Hello"));
          // The next request has the slot as soon as the gateway knows that the client has left.
          const next = ask(program.url, CHAT);
          await client[leave]();
          await upstream.requestAt(first + 1);
          assert.equal(statusOf(await next), 200);
          goOn.resolve();
          const line = await program.waitForLog(({ drained }) => drained === true, log);
          assert.deepEqual(
            [line["error"], line["input_tokens"], line["output_tokens"], line["estimated"]],
            ["client_gone", USAGE.inputTokens, USAGE.outputTokens, undefined],
          );
        });
      }
    }
  },
);

/** More than all buffers between the provider and the client hold together. */
const FLOOD_BYTES = 256 * 1024 * 1024;
const BOUND_BYTES = 64 * 1024 * 1024;

forEachRuntime("a client that stops reading stops the provider", async (runtime, t) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, endpointConfig(upstream.url));
  const [start, hello] = BEGINNING;
  const piece = joined(...Array.from({ length: 1_000 }, () => hello ?? new Uint8Array()));
  for (const request of [CHAT_STREAM, CONVERSE_STREAM]) {
    await t.step(request.line, async () => {
      let written = 0;
      upstream.script(streamAnswer([start ?? new Uint8Array()], {
        then: async (exchange) => {
          let hasLeft = false;
          void exchange.clientClosed.then(() => hasLeft = true);
          for (; written < FLOOD_BYTES && !hasLeft; written += piece.length) await exchange.chunk(piece);
        },
      }));
      await using client = await begin(program.url, request);
      assert.ok(await client.seen("\r\n\r\n"));
      client.socket.pause();
      // Held back means: nothing more is taken while the gateway answers a hundred others.
      for (let before = -1; written > before;) {
        before = written;
        for (let i = 0; i < 100; i++) await ask(program.url, { line: "GET /healthz" });
      }
      assert.ok(written < BOUND_BYTES, `${written} bytes went to a client that does not read`);
      await client.reset();
      await soon(upstream.idle(), "letting go");
    });
  }
});
