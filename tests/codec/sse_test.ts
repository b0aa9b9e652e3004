import assert from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import {
  encodeSseComment,
  encodeSseData,
  encodeSseEvent,
  SseDecoder,
  SseError,
  type SseEvent,
} from "../../lib/codec/sse.ts";

function message(data: string, id = ""): SseEvent {
  return { event: "message", data, id };
}

const CASES: readonly [name: string, text: string, events: SseEvent[]][] = [
  ["an unnamed event", encodeSseData(`{"a":1}`), [message(`{"a":1}`)]],
  ["a named event", encodeSseEvent("ping", "{}"), [{ event: "ping", data: "{}", id: "" }]],
  ["a comment", encodeSseComment("keep-alive") + encodeSseData("[DONE]"), [message("[DONE]")]],
  ["CRLF line ends", "event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", [
    { event: "a", data: "1", id: "" },
    message("2"),
  ]],
  ["CR line ends", "data: 1\rdata: 2\r\rdata: 3\r\r", [message("1\n2"), message("3")]],
  ["data over several lines", "data: 1\ndata:\ndata: 3\n\n", [message("1\n\n3")]],
  ["a byte order mark", "\uFEFFdata: 1\n\n", [message("1")]],
  ["no space, or two, after the colon", "data:1\n\ndata:  2\n\n", [message("1"), message(" 2")]],
  ["a field without a colon", "data\n\n", [message("")]],
  ["ids that stay", "id: 7\ndata: 1\n\ndata: 2\n\nid: \0\ndata: 3\n\n", [
    message("1", "7"),
    message("2", "7"),
    message("3", "7"),
  ]],
  ["an event without data", "event: a\n\ndata: 1\n\n", [message("1")]],
  ["unknown fields", "retry: 3\nfoo: bar\ndata: 1\n\n", [message("1")]],
  ["characters outside ASCII", encodeSseData("grüße 🦕"), [message("grüße 🦕")]],
  ["an event that no blank line ends", "data: 1\n\ndata: 2\n", [message("1")]],
];

for (const [name, text, events] of CASES) {
  const bytes = encodeUtf8(text);
  Deno.test(`${name}: read whole, byte by byte and cut anywhere`, () => {
    assert.deepEqual(new SseDecoder().push(bytes), events);
    const single = new SseDecoder();
    assert.deepEqual(Array.from(bytes, (byte) => single.push(Uint8Array.of(byte))).flat(), events);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoder = new SseDecoder();
      const got = [...decoder.push(bytes.slice(0, cut)), ...decoder.push(bytes.slice(cut))];
      assert.deepEqual(got, events, `cut at ${cut}`);
    }
  });
}

Deno.test("a line and an event over the bound are refused", () => {
  const line = new SseDecoder({ maxEventChars: 10 });
  assert.throws(() => line.push(encodeUtf8("data: 12345")), SseError);
  const event = new SseDecoder({ maxEventChars: 10 });
  assert.throws(() => event.push(encodeUtf8("data: 1\n".repeat(11))), SseError);
});
