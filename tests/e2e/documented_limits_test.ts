/**
 * Each limit and deadline of a request as docs/configuration.md words it, whatever the size and the framing of the body,
 * and in whichever direction.
 */

import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { setImmediate as turn } from "node:timers/promises";
import { type Exchange, startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { converseFrames } from "../fakes/frames.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { emulatorConfig, endpointConfig } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";
import {
  answerOf,
  ask,
  AUTHORIZED,
  begin,
  CHAT,
  CHAT_STREAM,
  CONVERSE,
  statusOf,
  textOf,
} from "./requests.ts";

/** Routes that read a JSON body, with a body that is accepted as it is. */
const ROUTES: Readonly<Record<string, string>> = {
  "/v1/chat/completions": '{"model":"nova","messages":[{"role":"user","content":"Hi"}]}',
  "/v1/messages": '{"model":"nova","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}',
  "/v1/messages/count_tokens": '{"model":"claude","messages":[{"role":"user","content":"Hi"}]}',
  "/v1/responses": '{"model":"nova","input":"Hi"}',
  "/v1/embeddings": '{"model":"titan","input":"Hi"}',
  "/v2/rerank": '{"model":"rerank","query":"Hi","documents":["a","b"]}',
};
const MODELS = {
  titan: "amazon.titan-embed-text-v2:0",
  rerank: "amazon.rerank-v1:0",
};
/** The body of a native request is passed on as it is. */
const NATIVE = "/model/nova/converse";

/** Ways to announce the length of a body. */
const FRAMINGS = ["announced", "chunked", "gzip", "zstd"] as const;
type Framing = (typeof FRAMINGS)[number];

function encoded(path: string, body: string, framing: Framing): readonly [string, Uint8Array] {
  const bytes = new TextEncoder().encode(body);
  const line = `POST ${path}`;
  switch (framing) {
    case "announced":
      return [requestText(line, { ...AUTHORIZED, "Content-Length": String(bytes.length) }), bytes];
    case "chunked": {
      const head = requestText(line, { ...AUTHORIZED, "Transfer-Encoding": "chunked" });
      return [
        head,
        Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n0\r\n\r\n")]),
      ];
    }
    case "gzip":
    case "zstd": {
      const packed = framing === "gzip" ? gzipSync(bytes) : zstdCompressSync(bytes);
      const headers = { ...AUTHORIZED, "Content-Encoding": framing, "Content-Length": String(packed.length) };
      return [requestText(line, headers), packed];
    }
  }
}

async function statusFor(url: string, path: string, body: string, framing: Framing): Promise<number> {
  await using client = await connectRaw(url);
  for (const part of encoded(path, body, framing)) client.send(part);
  return statusOf(await answerOf(client));
}

/** The body, padded with spaces to this length. */
function padded(body: string, length: number): string {
  return body.slice(0, -1) + " ".repeat(length - body.length) + "}";
}

/** The body with an additional member that contains the value. */
function withMember(body: string, value: string): string {
  return `${body.slice(0, -1)},"metadata_of_the_test":${value}}`;
}

/** Whether a request was refused for its member, not for a limit. */
async function refusalOf(url: string, path: string, body: string, framing: Framing): Promise<string> {
  await using client = await connectRaw(url);
  for (const part of encoded(path, body, framing)) client.send(part);
  const answer = await answerOf(client);
  return `${statusOf(answer)} ${textOf(answer)}`;
}

const SIZE = 4096;

forEachRuntime(
  "limits.body: a body of exactly the limit is accepted, and one byte more is a 413",
  async (runtime, t) => {
    const config = emulatorConfig(MODELS, `limits: { body: ${SIZE} }\n`);
    await using program = await startProgram(runtime, config);
    for (const framing of FRAMINGS) {
      for (const [path, body] of Object.entries(ROUTES)) {
        await t.step(`${path}, ${framing}`, async () => {
          assert.equal(await statusFor(program.url, path, padded(body, SIZE), framing), 200);
          assert.equal(await statusFor(program.url, path, padded(body, SIZE + 1), framing), 413);
        });
      }
    }
    for (const framing of ["announced", "chunked"] as const) {
      await t.step(`${NATIVE}, ${framing}`, async () => {
        const body = '{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}';
        assert.equal(await statusFor(program.url, NATIVE, padded(body, SIZE), framing), 200);
        assert.equal(await statusFor(program.url, NATIVE, padded(body, SIZE + 1), framing), 413);
      });
    }
  },
);

forEachRuntime(
  "limits.json_depth and limits.json_values: the limit itself is accepted, one more is a 400",
  async (runtime, t) => {
    const config = emulatorConfig(MODELS, "limits: { json_depth: 8, json_values: 1000 }\n");
    await using program = await startProgram(runtime, config);
    const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    for (const framing of FRAMINGS) {
      for (const [path, body] of Object.entries(ROUTES)) {
        await t.step(`${path}, ${framing}`, async () => {
          const refusal = (value: string) => refusalOf(program.url, path, withMember(body, value), framing);
          // The object itself is a level.
          assert.doesNotMatch(await refusal(nested(7)), /more than 8 levels/);
          assert.match(await refusal(nested(8)), /^400 .*more than 8 levels/s);
          const own = valuesIn(JSON.parse(body)) + 1;
          assert.doesNotMatch(await refusal(JSON.stringify(Array(1000 - own).fill(0))), /more than 1000/);
          assert.match(await refusal(JSON.stringify(Array(1001 - own).fill(0))), /^400 .*more than 1000/s);
        });
      }
    }
  },
);

/** Members and elements, at any depth. */
function valuesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, each) => sum + 1 + valuesIn(each), 0);
}

/** Bodies that stall: the part that is sent, and the announced length; without a length, the body is chunked. */
const STALLED: readonly (readonly [sent: number, length: number | undefined])[] = [
  [0, 9],
  [5, 9],
  [5, 2_000_000],
  [200_000, 2_000_000],
  [5, 20_000_000],
  [0, undefined],
  [5, undefined],
  [300_000, undefined],
];

function stalling(path: string, sent: number, length: number | undefined): string {
  const framing = length === undefined
    ? { "Transfer-Encoding": "chunked" }
    : { "Content-Length": String(length) };
  const head = requestText(`POST ${path}`, { ...AUTHORIZED, ...framing });
  const part = " ".repeat(sent);
  if (sent === 0) return head;
  return head + (length === undefined ? `${sent.toString(16)}\r\n${part}\r\n` : part);
}

for (
  const [key, others] of [["idle", ""], ["total", ", first_byte: 200ms, idle: 1h, connect: 200ms"]] as const
) {
  forEachRuntime(`timeouts.${key}: a body that stops is a 408, whatever its length`, async (runtime) => {
    const config = emulatorConfig(MODELS, `timeouts: { ${key}: 200ms${others} }\n`);
    await using program = await startProgram(runtime, config);
    await Promise.all(
      [...Object.keys(ROUTES), NATIVE].flatMap((path) =>
        STALLED.map(async ([sent, length]) => {
          await using client = await connectRaw(program.url);
          client.send(stalling(path, sent, length));
          assert.equal(statusOf(await answerOf(client)), 408, `${path}: ${sent} of ${length}`);
        })
      ),
    );
  });
}

/** Whole responses that stall: the announced and the sent part of the body. */
const WHOLE: readonly (readonly [headers: Record<string, string>, sent: string])[] = [
  [{ "content-length": "200" }, "{"],
  [{ "content-length": "65537" }, "{"],
  [{ "content-length": "2000000" }, "{" + " ".repeat(100_000)],
  [{ "transfer-encoding": "chunked" }, "1\r\n{\r\n"],
];

const stopsAfter = (headers: Record<string, string>, sent: string) => async (exchange: Exchange) => {
  await exchange.head(200, {
    "content-type": "application/json",
    "x-amzn-requestid": "00000000-0000-4000-8000-000000000000",
    ...headers,
  });
  await exchange.write(new TextEncoder().encode(sent));
  await exchange.clientClosed;
};

forEachRuntime(
  "timeouts.idle and timeouts.total: a response of Bedrock that stalls is a 504, whatever its length",
  async (runtime) => {
    await using upstream = await startFakeUpstream();
    for (const timeouts of ["idle: 300ms", "total: 300ms, idle: 1h"]) {
      await using program = await startProgram(
        runtime,
        endpointConfig(upstream.url, `timeouts: { ${timeouts} }\n`),
      );
      for (const [headers, sent] of WHOLE) {
        for (const request of [CHAT, CONVERSE]) {
          upstream.script(stopsAfter(headers, sent));
          await using client = await begin(program.url, request);
          const answer = await client.answer();
          // The head of a native answer has been passed on, so that only the connection can be cut.
          const isCut = request === CONVERSE && answer === undefined;
          if (!isCut) {
            assert.equal(answer && statusOf(answer), 504, `${timeouts}, ${JSON.stringify(headers)}`);
          }
          await upstream.idle();
        }
      }
    }
  },
);

forEachRuntime("timeouts.total: a stream that never ends is ended with an error", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(
    runtime,
    endpointConfig(upstream.url, "timeouts: { total: 500ms }\n"),
  );
  const [first, start, ...rest] = converseFrames("Hello", " there");
  upstream.script(streamAnswer([first, start, rest[0]].filter((each) => each !== undefined), {
    then: async (exchange) => {
      let isClosed = false;
      void exchange.clientClosed.then(() => isClosed = true);
      while (!isClosed) {
        await exchange.chunk(rest[0] ?? new Uint8Array());
        await turn();
      }
    },
  }));
  const text = textOf(await ask(program.url, CHAT_STREAM));
  assert.match(text, /did not finish within 0\.5 s/);
  assert.doesNotMatch(text, /\[DONE\]/);
});
