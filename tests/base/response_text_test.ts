/** Reads the beginning of a response as text. */

import { equal } from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { readStart } from "../../lib/base/response_text.ts";

function responseOf(...chunks: readonly Uint8Array<ArrayBuffer>[]): Response {
  return new Response(ReadableStream.from(chunks));
}

Deno.test("a character that is split between two chunks stays whole", async () => {
  const bytes = encodeUtf8("Zürich €");
  for (let at = 0; at <= bytes.length; at++) {
    equal(await readStart(responseOf(bytes.slice(0, at), bytes.slice(at)), 100), "Zürich €");
  }
});

Deno.test("reading stops at the limit", async () => {
  equal(await readStart(responseOf(encodeUtf8("one"), encodeUtf8("two"), encodeUtf8("three")), 4), "onetwo");
  equal(await readStart(new Response(null), 4), "");
});
