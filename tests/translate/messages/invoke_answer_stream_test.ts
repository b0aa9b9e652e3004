/** What the relay of Claude's own events reports, in addition to the text in the golden cases. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError } from "../../../lib/base/errors.ts";
import { invokeToMessages } from "../../../lib/translate/messages/invoke_answer.ts";
import { InvokeStreamToMessages } from "../../../lib/translate/messages/invoke_answer_stream.ts";

const open = () => new InvokeStreamToMessages({ model: 'the "caller\'s"', requestId: "req_1" });
const chunk = (json: string) =>
  encodeUtf8(JSON.stringify({ bytes: Buffer.from(json).toString("base64"), p: "abc" }));

Deno.test("a delta passes byte for byte, even in a spelling that no serialiser produces", () => {
  for (
    const json of [
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\u00fc \\/ 1.0"},"n":1.0}',
      '{"index":0, "type" :"content_block_delta"}',
      '{"type":"content_block_stop","index":0,"n":1e2}',
    ]
  ) {
    const type = JSON.parse(json).type;
    assert.equal(open().push(chunk(json)), `event: ${type}\ndata: ${json}\n\n`);
  }
});

Deno.test("JSON over several lines becomes one line of the event", () => {
  for (const type of ["content_block_delta", "content_block_stop"]) {
    const json = `{\r\n "type": "${type}",\n\n "text": "a\\nb"\n}`;
    const text = open().push(chunk(json));
    assert.match(text, /^event: \w+\ndata: [^\r\n]*\n\n$/);
    assert.deepEqual(JSON.parse(text.split("data: ")[1] ?? ""), JSON.parse(json));
  }
});

Deno.test("the name in message_start is the caller's, and all else in it stays", () => {
  const event = { type: "message_start", message: { id: "msg_1", model: "claude", extra: [1] }, more: 1 };
  const [, data = ""] = open().push(chunk(JSON.stringify(event))).split("data: ");
  assert.deepEqual(JSON.parse(data), { ...event, message: { ...event.message, model: 'the "caller\'s"' } });
});

const GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1";
const TRACED = { "amazon-bedrock-trace": { guardrail: { input: { gr1: { guardrailArn: GUARDRAIL } } } } };
const BARE = { "amazon-bedrock-trace": { guardrail: { input: { gr1: { guardrailArn: "gr1" } } } } };

Deno.test("the trace of a guardrail has bare ids, whole and in every event of a stream", () => {
  const answer = { type: "message", content: [{ type: "text", text: GUARDRAIL }], model: "a" };
  assert.deepEqual(invokeToMessages({ ...answer, ...TRACED }, "a").body, { ...answer, ...BARE });
  const delta = { index: 0, delta: { type: "text_delta", text: GUARDRAIL } };
  for (
    const event of [
      { type: "content_block_delta", ...delta },
      { type: "message_delta", delta: { stop_reason: "end_turn" } },
      { type: "message_stop", "amazon-bedrock-guardrailAction": "INTERVENED" },
    ]
  ) {
    const [, data = ""] = open().push(chunk(JSON.stringify({ ...event, ...TRACED }))).split("data: ");
    assert.deepEqual(JSON.parse(data), { ...event, ...BARE });
  }
});

Deno.test("a stream is only finished by message_stop, and reports its usage as it goes", () => {
  const stream = open();
  const step = (event: object) => {
    stream.push(chunk(JSON.stringify(event)));
    return [stream.finished, stream.stopReason, stream.usage?.inputTokens, stream.usage?.outputTokens];
  };
  assert.deepEqual(step({ type: "ping" }), [false, undefined, undefined, undefined]);
  const started = { type: "message_start", message: { usage: { input_tokens: 9, output_tokens: 1 } } };
  assert.deepEqual(step(started), [false, undefined, 9, 1]);
  const delta = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } };
  assert.deepEqual(step(delta), [false, "end_turn", 9, 5]);
  const metrics = { inputTokenCount: 10, outputTokenCount: 6 };
  assert.deepEqual(step({ type: "message_stop", "amazon-bedrock-invocationMetrics": metrics }), [
    true,
    "end_turn",
    10,
    6,
  ]);
  assert.deepEqual(stream.usage, {
    inputTokens: 10,
    outputTokens: 6,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
  });
  assert.equal(stream.end(), "");
});

Deno.test("an end before message_stop is an error, once", () => {
  const stream = open();
  assert.match(
    stream.end(),
    /^event: error\ndata: \{"type":"error","error":\{"type":"api_error".*"request_id":"req_1"\}\n\n$/,
  );
  assert.equal(stream.end(), "");
});

Deno.test("nothing follows an error, Adit's or the model's own", () => {
  const failed = open();
  failed.fail(new AditError("overloaded"));
  assert.equal(failed.end(), "");
  const told = open();
  told.push(chunk('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'));
  assert.deepEqual([told.end(), told.finished], ["", false]);
  assert.equal(told.fail(new AditError("stream_truncated")), "");
});

Deno.test("anything but an event of Anthropic's is refused", () => {
  const payloads = [
    "",
    "{",
    "[]",
    '{"p":"abc"}',
    '{"bytes":7}',
    '{"bytes":""}',
    ...[
      '{"type":"ping"',
      "[]",
      '"x"',
      "{}",
      '{"type":7}',
      '{"type":"a\\nevent: evil"}',
      '{"type":"message_start"}',
    ]
      .map((json) => JSON.stringify({ bytes: Buffer.from(json).toString("base64") })),
  ];
  for (const payload of payloads) {
    assert.throws(
      () => open().push(encodeUtf8(payload)),
      { name: "AditError", kind: "upstream_protocol" },
      payload,
    );
  }
});

Deno.test("half a character from the model becomes U+FFFD, and a whole one keeps its spelling", () => {
  const json = '{"type":"content_block_delta","delta":{"text":"\\ud83d\\ude00 \\ud83d \\\\ud83d"}}';
  const [, data = ""] = open().push(chunk(json)).split("data: ");
  assert.equal(
    data,
    '{"type":"content_block_delta","delta":{"text":"\\ud83d\\ude00 \\ufffd \\\\ud83d"}}\n\n',
  );
});
