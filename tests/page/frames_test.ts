/** The pieces of a streamed answer, however it is cut. */

import { deepEqual, equal, match } from "node:assert/strict";
import { encodeFrame } from "../../lib/codec/eventstream.ts";
import { textIn } from "../../lib/admin/page/answer_text.ts";
import { type Piece, pieceReaderFor } from "../../lib/admin/page/frames.ts";

const encoder = new TextEncoder();

function read(mediaType: string, bytes: Uint8Array<ArrayBuffer>, size: number): readonly Piece[] {
  const reader = pieceReaderFor(mediaType);
  const pieces: Piece[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(...reader.push(bytes.slice(at, at + size)));
  return [...pieces, ...reader.end()];
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

const FRAMES = joined(["Grüße", "aus", "der Tiefe"].map((text) =>
  encodeFrame(
    { ":event-type": "contentBlockDelta", ":content-type": "application/json", ":message-type": "event" },
    encoder.encode(JSON.stringify({ delta: { text } })),
  )
));

const EVENTS = encoder.encode(
  ': a comment\r\n\r\nevent: content_block_delta\ndata: {"delta":{"text":"Grüße"}}\n\ndata: one\ndata: two\n\ndata: [DONE]\n\n',
);

for (const size of [1, 2, 7, 64, 10_000]) {
  Deno.test(`frames of AWS's event stream are read from chunks of ${size} bytes`, () => {
    const pieces = read("application/vnd.amazon.eventstream", FRAMES, size);
    deepEqual(pieces.map(({ event, data }) => [event, textIn(event, data)]), [
      ["contentBlockDelta", "Grüße"],
      ["contentBlockDelta", "aus"],
      ["contentBlockDelta", "der Tiefe"],
    ]);
    equal(pieces[1]?.raw.includes(":message-type: event\n"), true);
  });

  Deno.test(`server-sent events are read from chunks of ${size} bytes`, () => {
    deepEqual(
      read("text/event-stream; charset=utf-8", EVENTS, size).map(({ event, data }) => [event, data]),
      [
        ["", ""],
        ["content_block_delta", '{"delta":{"text":"Grüße"}}'],
        ["", "one\ntwo"],
        ["", "[DONE]"],
      ],
    );
  });

  Deno.test(`a whole answer is one piece, from chunks of ${size} bytes`, () => {
    const bytes = encoder.encode('{"ü":1}');
    deepEqual(read("application/json", bytes, size), [{ raw: '{"ü":1}', event: "", data: '{"ü":1}' }]);
  });
}

Deno.test("what is left of a broken stream is shown, too", () => {
  const frames = read("application/vnd.amazon.eventstream", FRAMES.slice(0, FRAMES.length - 1), 50);
  equal(frames.length, 3);
  match(frames.at(-1)?.raw ?? "", /^incomplete frame \(\d+ bytes\)$/);
  const noise = new Uint8Array(40);
  deepEqual(read("application/vnd.amazon.eventstream", noise, 40).map(({ raw }) => raw), [
    "incomplete frame (40 bytes)",
  ]);
  deepEqual(read("text/event-stream", encoder.encode("data: 1\n\ndata: 2"), 5).map(({ data }) => data), [
    "1",
    "2",
  ]);
});

const TEXTS: readonly (readonly [of: string, event: string, data: unknown, text: string])[] = [
  ["Chat", "", { choices: [{ message: { content: "a" } }] }, "a"],
  ["a stream of Chat", "", { choices: [{ delta: { content: "a" } }] }, "a"],
  ["Messages", "", { content: [{ type: "text", text: "a" }] }, "a"],
  ["a stream of Messages", "content_block_delta", { delta: { type: "text_delta", text: "a" } }, "a"],
  ["Converse", "", { output: { message: { content: [{ text: "a" }] } } }, "a"],
  ["Responses", "", { output: [{ content: [{ text: "a" }] }] }, "a"],
  ["Messages with a thought", "", { content: [{ thinking: "b" }, { text: "a" }, { text: "c" }] }, "ac"],
  ["Responses with a thought", "", { output: [{ summary: [] }, { content: [{ text: "a" }] }] }, "a"],
  ["a stream of Responses", "response.output_text.delta", { delta: "a" }, "a"],
  ["the end of a stream of Responses", "response.completed", { output: [{ content: [{ text: "a" }] }] }, ""],
  ["an error", "", { error: { message: "a" } }, ""],
  ["an embedding", "", { data: [{ embedding: [1] }] }, ""],
];

for (const [of, event, data, text] of TEXTS) {
  Deno.test(`the text of ${of} is found`, () => equal(textIn(event, JSON.stringify(data)), text));
}

Deno.test("data that is not JSON has no text", () => equal(textIn("", "[DONE]"), ""));
