/** The chunks of InvokeModelWithResponseStream. */

import { Buffer } from "node:buffer";
import { equal, throws } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { unwrapChunk } from "../../../lib/wire/bedrock/invoke_stream.ts";
import { ofKind } from "../../fakes/errors.ts";
import { Random } from "../../suites/random.ts";

const LETTERS = ["a", '"', "\\", "é", "日", "😀", "\n", " ", "\u007f", "\u0080", "ÿ"];

Deno.test("the text of a chunk is what its base64 encodes, however the chunk is written", () => {
  const random = new Random(7);
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: random.below(40) }, () => LETTERS[random.below(LETTERS.length)]).join(
      "",
    );
    const bytes = Buffer.from(text, "utf8").toString("base64");
    const chunks = [{ bytes }, { bytes, p: "abc" }, { p: "abc", bytes }, { bytes, p: "é" }, {
      bytes,
      more: [1],
    }];
    for (const chunk of chunks) equal(unwrapChunk(encodeUtf8(JSON.stringify(chunk))), text);
    equal(unwrapChunk(encodeUtf8(JSON.stringify({ bytes: bytes.replace(/=+$/, "") }))), text);
    equal(unwrapChunk(encodeUtf8(JSON.stringify({ bytes }, null, 1))), text);
  }
});

for (
  const text of [
    '{"bytes":"YQ=="',
    '{"bytes":"YQ=="}x',
    '{"bytes":"YQ==","p":"a}',
    "{}",
    '{"bytes":1}',
    "[]",
    "",
  ]
) {
  Deno.test(`a chunk that is ${text || "empty"} is an error`, () => {
    throws(() => unwrapChunk(encodeUtf8(text)), ofKind("upstream_protocol"));
  });
}
