/** The events of ConverseStream: pieces of text, however they are written. */

import { deepEqual, throws } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { parseConverseEvent } from "../../../lib/wire/bedrock/converse_stream.ts";
import { ofKind } from "../../fakes/errors.ts";
import { Random } from "../../suites/random.ts";

const LETTERS = [
  "a",
  '"',
  "\\",
  "é",
  "日",
  "😀",
  "\n",
  " ",
  "!",
  "#",
  "[",
  "]",
  "{",
  "\u007f",
  "\uffff",
  "\u2028",
];

function read(json: string) {
  return parseConverseEvent("contentBlockDelta", encodeUtf8(json));
}

Deno.test("a text delta is read the same, however its event is written", () => {
  const random = new Random(3);
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: random.below(30) }, () => LETTERS[random.below(LETTERS.length)]).join(
      "",
    );
    const index = random.below(12);
    const expected = { type: "contentBlockDelta", index, delta: { type: "text", text } };
    const delta = { text };
    const events = [
      { contentBlockIndex: index, delta },
      { contentBlockIndex: index, delta, p: "abcDEF01" },
      { contentBlockIndex: index, delta, p: "é" },
      { delta, contentBlockIndex: index },
      { contentBlockIndex: index, delta: { text, more: 1 } },
    ];
    for (const event of events) deepEqual(read(JSON.stringify(event)), expected);
    deepEqual(read(JSON.stringify(events[0], null, 1)), expected);
  }
});

const BROKEN = [
  '{"contentBlockIndex":0,"delta":{"text":"a"}',
  '{"contentBlockIndex":0,"delta":{"text":"a"}}}',
  '{"contentBlockIndex":00,"delta":{"text":"a"}}',
  '{"contentBlockIndex":0,"delta":{"text":"a\n"}}',
  '{"delta":{"text":"a"}}',
];

for (const json of BROKEN) {
  Deno.test(`${JSON.stringify(json)} is no event`, () => {
    throws(() => read(json), ofKind("upstream_protocol"));
  });
}
