/** Streams of Bedrock's own APIs, including hostile ones: what is passed on, and when they are complete. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { AditError } from "../../../lib/base/errors.ts";
import { concat, encodeUtf8 } from "../../../lib/base/bytes.ts";
import { type OwnExchange, OwnStream } from "../../../lib/providers/bedrock/own/stream.ts";
import type { OwnApi } from "../../../lib/snapshot/snapshot.ts";
import { cuts } from "../../suites/converse_frames.ts";
import { Random } from "../../suites/random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface Given {
  readonly api?: OwnApi;
  readonly model?: string;
  /** The error that breaks the stream after its chunks. */
  readonly failure?: AditError;
}

function open(chunks: readonly Bytes[], { api = "responses", model = "mine", failure }: Given = {}) {
  const waiting = [...chunks];
  const exchange: OwnExchange = {
    read() {
      const chunk = waiting.shift();
      return chunk === undefined && failure !== undefined ? Promise.reject(failure) : Promise.resolve(chunk);
    },
    end() {},
    contentBegan() {},
  };
  const head = { status: 200, headers: new Headers() };
  return OwnStream.open(exchange, { head, api, model, hold: undefined });
}

/** All bytes that are passed on, and the stream. */
async function readAll(chunks: readonly Bytes[], given?: Given) {
  const stream = await open(chunks, given);
  const pieces: Bytes[] = [];
  for (let piece = await stream.next(); piece !== undefined; piece = await stream.next()) pieces.push(piece);
  return { stream, bytes: concat(pieces) };
}

const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const CREATED = event({ type: "response.created", sequence_number: 0, response: { id: "r", model: "gpt" } });
const DELTA = event({ type: "response.output_text.delta", sequence_number: 1, delta: "Grüß 💧 \u2028" });
const COMPLETED = event({
  type: "response.completed",
  sequence_number: 2,
  response: { id: "r", model: "gpt", usage: { input_tokens: 7, output_tokens: 2 } },
});

const STREAMS: Readonly<Record<OwnApi, string>> = {
  responses: CREATED + DELTA + COMPLETED,
  chat: event({ model: "gpt", choices: [{ delta: { content: "ü💧" } }] }) +
    event({ model: "gpt", choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } }) +
    "data: [DONE]\n\n",
  messages: event({ type: "message_start", message: { model: "gpt", usage: { input_tokens: 7 } } }) +
    event({ type: "content_block_delta", delta: { type: "text_delta", text: "ü💧" } }) +
    event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } }) +
    event({ type: "message_stop" }),
};

for (const [api, text] of Object.entries(STREAMS) as [OwnApi, string][]) {
  for (const [lines, ending] of [["LF", "\n"], ["CRLF", "\r\n"], ["CR", "\r"]] as const) {
    Deno.test(`${api} with ${lines} is passed on whole, cut at any byte`, async () => {
      const sent = text.replaceAll("\n", ending);
      const expected = sent.replaceAll('"model":"gpt"', '"model":"mine"');
      for (const [how, chunks] of cuts(encodeUtf8(sent))) {
        const { stream, bytes } = await readAll(chunks, { api });
        equal(new TextDecoder().decode(bytes), expected, how);
        deepEqual([stream.usage?.inputTokens, stream.usage?.outputTokens], [7, 2], how);
      }
    });
  }

  Deno.test(`${api} that ends anywhere before its last event is truncated`, async () => {
    const bytes = encodeUtf8(text);
    for (let at = 0; at < bytes.length - 1; at++) {
      await rejects(readAll([bytes.slice(0, at)], { api }), { kind: "stream_truncated" }, `after ${at}`);
    }
  });
}

Deno.test("bytes that are not UTF-8 are passed on as they came", async () => {
  const bad = new Uint8Array([0xff, 0xc3, 0x28, 0x80, 0xed, 0xa0, 0x80, 0xf0, 0x9f]);
  const [start = "", rest = ""] = DELTA.split("Grüß");
  const sent = concat([encodeUtf8(CREATED + start), bad, encodeUtf8(rest + COMPLETED)]);
  for (const [how, chunks] of cuts(sent)) {
    const { bytes } = await readAll(chunks, { model: "gpt" });
    deepEqual(bytes, sent, how);
  }
});

Deno.test("an empty chunk is no piece of the stream", async () => {
  const none = new Uint8Array(0);
  const stream = await open([none, encodeUtf8(CREATED), none, encodeUtf8(COMPLETED), none]);
  const sizes: number[] = [];
  for (let piece = await stream.next(); piece !== undefined; piece = await stream.next()) {
    sizes.push(piece.length);
  }
  deepEqual(sizes.map((size) => size > 0), [true, true]);
});

Deno.test("a byte order mark, comments and unknown fields are passed on", async () => {
  const sent = `\ufeff${CREATED}: hello\n\nretry: 3\nid: "model"\n\nevent: x\n\n${COMPLETED}`;
  const { bytes } = await readAll([encodeUtf8(sent)]);
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  equal(text, sent.replaceAll('"model":"gpt"', '"model":"mine"'));
});

Deno.test("an event of several data lines is read as one", async () => {
  const sent =
    'data: {"type":"response.completed",\ndata:  "response": {"id":"r",\ndata:"model":\ndata: "gpt"}}\n\n';
  const { stream, bytes } = await readAll([encodeUtf8(sent)]);
  equal(new TextDecoder().decode(bytes), sent.replace('"gpt"', '"mine"'));
  equal(stream.response?.["id"], "r");
});

Deno.test("a name beyond ASCII is written with escapes", async () => {
  const model = "größe-💧\u2028\ud800";
  const { bytes } = await readAll([encodeUtf8(CREATED + COMPLETED)], { model });
  const [first = ""] = new TextDecoder().decode(bytes).split("\n\n");
  equal(JSON.parse(first.slice(6)).response.model, model);
});

Deno.test("other members called model are unchanged", async () => {
  const odd = [
    event({ type: "response.output_item.done", item: { model: "gpt", arguments: '{"model":"gpt"}' } }),
    event({ type: "response.output_text.delta", delta: '"model":"gpt"', model: { name: "gpt" } }),
    event({ type: "future", response: [{ model: "gpt" }], model: null }),
  ].join("");
  const { bytes } = await readAll([encodeUtf8(odd + COMPLETED)]);
  ok(new TextDecoder().decode(bytes).startsWith(odd));
});

Deno.test("data other than a JSON object is passed on unread", async () => {
  const odd = `data: 1\n\ndata: [${"[".repeat(50_000)}\n\ndata: {"a":\n\ndata\n\ndata:\n\n`;
  const { bytes } = await readAll([encodeUtf8(odd + COMPLETED)], { model: "gpt" });
  equal(new TextDecoder().decode(bytes), odd + COMPLETED);
});

Deno.test("a large event is held until it is whole, in linear time", async () => {
  const large = event({ type: "response.output_item.done", item: { result: "x".repeat(12 * 1024 * 1024) } });
  const sent = encodeUtf8(CREATED + large + COMPLETED);
  const chunks = Array.from(
    { length: Math.ceil(sent.length / 2048) },
    (_, at) => sent.slice(at * 2048, (at + 1) * 2048),
  );
  const { bytes } = await readAll(chunks, { model: "gpt" });
  equal(bytes.length, sent.length);
});

Deno.test("an event without end breaks the stream and ends its connection", async () => {
  const ended: string[] = [];
  let reads = 0;
  const exchange: OwnExchange = {
    read: () =>
      Promise.resolve(reads++ === 0 ? encodeUtf8(CREATED + DELTA) : new Uint8Array(1024 * 1024).fill(65)),
    end: ({ kind }) => void ended.push(kind),
    contentBegan() {},
  };
  const head = { status: 200, headers: new Headers() };
  const stream = await OwnStream.open(exchange, { head, api: "responses", model: "mine", hold: undefined });
  await stream.next();
  await rejects(stream.next(), { kind: "upstream_protocol" });
  deepEqual(ended, ["upstream_protocol"]);
  ok(reads < 20);
});

const FAILED = event({
  type: "response.failed",
  response: { error: { code: "server_error", message: "oh" } },
});
const ERROR = event({ type: "error", code: "server_error", message: "oh", sequence_number: 2 });

for (
  const [name, end, isFailed] of [
    ["an error event", ERROR, false],
    ["a failed response", FAILED, true],
    ["an error and a failed response", ERROR + FAILED, true],
    [
      "a failed response without an error",
      event({ type: "response.failed", response: { error: null } }),
      true,
    ],
  ] as const
) {
  Deno.test(`a stream is complete, and an error, if it ends with ${name}`, async () => {
    const { stream, bytes } = await readAll([encodeUtf8(CREATED + DELTA + end)], { model: "gpt" });
    equal(new TextDecoder().decode(bytes), CREATED + DELTA + end);
    equal(stream.error?.kind, "model_error");
    equal(stream.isFailed, isFailed);
  });
}

for (const kind of ["stream_truncated", "timeout"] as const) {
  Deno.test(`a stream that is complete stays so if its connection then ends with ${kind}`, async () => {
    const failure = new AditError(kind);
    for (const end of [COMPLETED, ERROR]) {
      const { bytes } = await readAll([encodeUtf8(CREATED + DELTA + end)], { failure, model: "gpt" });
      equal(new TextDecoder().decode(bytes), CREATED + DELTA + end);
    }
    await rejects(readAll([encodeUtf8(CREATED + DELTA)], { failure }), { kind });
  });
}

/** The bytes that are passed on, and how the stream ends. */
async function outcomeOf(chunks: readonly Bytes[], given: Given) {
  const pieces: Bytes[] = [];
  try {
    const stream = await open(chunks, given);
    for (let piece = await stream.next(); piece !== undefined; piece = await stream.next()) {
      pieces.push(piece);
    }
    const { usage, error, sequenceNumber } = stream;
    return { bytes: concat(pieces), end: error?.kind ?? { usage, sequenceNumber } };
  } catch (error) {
    if (!(error instanceof AditError)) throw error;
    return { bytes: concat(pieces), end: error.kind };
  }
}

Deno.test("damaged streams are passed on as they are, however they are cut", async () => {
  const random = new Random(41);
  const ends = new Set<string>();
  const splices = [0x0a, 0x0d, 0x22, 0x7b, 0x7d, 0x3a, 0x5c, 0xff, 0x00, 0xef, 0x80];
  for (let run = 0; run < 2_000; run++) {
    const api = random.pick(["responses", "chat", "messages"] as const);
    // Without names, which are replaced even if they are damaged.
    const text = STREAMS[api].replaceAll(/,"model":"gpt"|"model":"gpt",/g, "");
    const whole = encodeUtf8(random.pick([text, text.replaceAll("\n", "\r\n"), ERROR + FAILED]));
    for (let edits = random.below(6); edits > 0; edits--) {
      whole[random.below(whole.length)] = random.pick(splices);
    }
    const bytes = whole.slice(0, random.below(3) === 0 ? random.below(whole.length) : whole.length);
    const given = { api, model: "gpt" };
    const expected = await outcomeOf([bytes], given);
    deepEqual(expected.bytes, bytes.slice(0, expected.bytes.length), `run ${run}`);
    const chunks: Bytes[] = [];
    for (let at = 0; at < bytes.length;) {
      const to = at + 1 + random.below(40);
      chunks.push(bytes.slice(at, to));
      at = to;
    }
    const { bytes: cut, end } = await outcomeOf(chunks, given);
    deepEqual(end, expected.end, `run ${run}`);
    // An error is a status if it comes with the first piece, so that nothing is passed on.
    const shorter = Math.min(cut.length, expected.bytes.length);
    deepEqual(cut.slice(0, shorter), expected.bytes.slice(0, shorter), `run ${run}`);
    ends.add(typeof end === "string" ? end : "complete");
  }
  ok(ends.has("complete") && ends.has("stream_truncated") && ends.has("model_error"));
});
