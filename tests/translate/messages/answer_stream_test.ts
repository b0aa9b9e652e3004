/** What a stream's translator reports, in addition to the text in the golden cases. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { AditError } from "../../../lib/base/errors.ts";
import type { JsonObject } from "../../../lib/base/json.ts";
import { converseToMessages } from "../../../lib/translate/messages/answer.ts";
import { ConverseStreamToMessages } from "../../../lib/translate/messages/answer_stream.ts";
import { ToolNames } from "../../../lib/translate/converse/tools/tool_names.ts";
import { parseConverseResponse } from "../../../lib/wire/bedrock/converse.ts";
import type { ConverseEvent } from "../../../lib/wire/bedrock/converse_stream.ts";
import { accumulateMessage } from "../../suites/anthropic_client.ts";
import { accumulateEvents, decodeEvents, encodeEvents } from "../../suites/converse_frames.ts";
import type { RawEvent } from "../../suites/converse_frames.ts";
import { Random } from "../../suites/random.ts";

const CONTEXT = {
  id: "msg_1",
  model: 'näme "x"\n',
  requestId: "req_1",
  call: { toolNames: new ToolNames(), structuredTool: undefined, isStructured: false, stopSequences: [] },
};
const open = () => new ConverseStreamToMessages(CONTEXT);
const data = (sse: string) =>
  sse.split("\n").filter((line) => line.startsWith("data: ")).map((line) => JSON.parse(line.slice(6)));
const toolStart = (index: number): ConverseEvent => ({
  type: "contentBlockStart",
  index,
  start: { type: "toolUse", toolUseId: "t", name: "n" },
});
const toolInput = (index: number, input: string): ConverseEvent => ({
  type: "contentBlockDelta",
  index,
  delta: { type: "toolInput", input },
});

Deno.test("message_start waits for the first block", () => {
  const stream = open();
  assert.equal(stream.push({ type: "messageStart" }), "");
  const text = stream.push({ type: "contentBlockDelta", index: 0, delta: { type: "text", text: "a" } });
  assert.deepEqual(data(text).map(({ type }) => type), [
    "message_start",
    "content_block_start",
    "content_block_delta",
  ]);
});

Deno.test("a stream is finished by messageStop, not by what comes before or by its end", () => {
  const stream = open();
  stream.push({ type: "contentBlockDelta", index: 0, delta: { type: "text", text: "Hi" } });
  assert.deepEqual([stream.finished, stream.stopReason, stream.usage], [false, undefined, undefined]);
  stream.push({ type: "messageStop", stopReason: "max_tokens" });
  const usage = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 };
  stream.push({ type: "metadata", usage });
  assert.deepEqual([stream.finished, stream.stopReason, stream.usage], [true, "max_tokens", usage]);
});

Deno.test("every end comes once, however often the upstream says so", () => {
  const stream = open();
  const text = [
    stream.push({ type: "messageStop", stopReason: "end_turn" }),
    stream.push({ type: "metadata", usage: undefined }),
    stream.push({ type: "metadata", usage: undefined }),
    stream.end(),
  ].join("");
  assert.deepEqual(data(text).map(({ type }) => type), ["message_start", "message_delta", "message_stop"]);
});

Deno.test("events after messageStop are dropped and reported once", () => {
  const stream = open();
  const late: ConverseEvent = {
    type: "contentBlockDelta",
    index: 0,
    delta: { type: "text", text: "late" },
  };
  const text = [
    stream.push({ type: "messageStop", stopReason: "end_turn" }),
    stream.push(late),
    stream.push({ type: "messageStop", stopReason: "max_tokens" }),
    stream.push({ type: "metadata", usage: undefined }),
    stream.push(late),
    stream.end(),
  ].join("");
  assert.deepEqual(data(text).map(({ type }) => type), ["message_start", "message_delta", "message_stop"]);
  assert.equal(data(text)[1].delta.stop_reason, "end_turn");
  assert.deepEqual(stream.anomalies, [
    "contentBlockDelta after messageStop",
    "messageStop after messageStop",
  ]);
});

Deno.test("a failure is one error event with the row of its kind, and nothing follows it", () => {
  const stream = open();
  assert.equal(
    stream.fail(new AditError("rate_limited")),
    'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":' +
      '"too many requests; wait before retrying"},"request_id":"req_1"}\n\n',
  );
  assert.equal(stream.end(), "");
});

Deno.test("input for a tool that is closed or was never there is an error, not a shorter call", () => {
  const torn: readonly ConverseEvent[][] = [
    [toolInput(0, "{}")],
    [toolStart(0), { type: "contentBlockStop", index: 0 }, toolInput(0, "{}")],
    [{ type: "contentBlockDelta", index: 0, delta: { type: "text", text: "a" } }, toolInput(0, "{}")],
  ];
  for (const events of torn) {
    const stream = open();
    assert.throws(() => events.forEach((event) => stream.push(event)), { kind: "upstream_protocol" });
  }
});

Deno.test("calls whose events overlap are sent one after another, also if their ends are missing", () => {
  const stop = (index: number): ConverseEvent => ({ type: "contentBlockStop", index });
  const text: ConverseEvent = { type: "contentBlockDelta", index: 7, delta: { type: "text", text: "text" } };
  for (const ends of [[], [stop(3), stop(5), stop(7)], [stop(7), stop(5), stop(3)]]) {
    const stream = open();
    const sse = [
      toolStart(3),
      toolStart(5),
      toolInput(5, '{"n":'),
      text,
      toolInput(3, '{"n":'),
      toolInput(5, "2}"),
      toolInput(3, "1}"),
      ...ends,
      { type: "messageStop", stopReason: "tool_use" } as const,
    ].map((event) => stream.push(event)).join("");
    const seen = data(sse).map(({ type, index, delta }) => [type, index, delta?.partial_json ?? delta?.text]);
    assert.deepEqual(seen.slice(1), [
      ["content_block_start", 0, undefined],
      ["content_block_delta", 0, '{"n":'],
      ["content_block_delta", 0, "1}"],
      ["content_block_stop", 0, undefined],
      ["content_block_start", 1, undefined],
      ["content_block_delta", 1, '{"n":'],
      ["content_block_delta", 1, "2}"],
      ["content_block_stop", 1, undefined],
      ["content_block_start", 2, undefined],
      ["content_block_delta", 2, "text"],
      ["content_block_stop", 2, undefined],
    ]);
  }
});

Deno.test("an unknown delta inside a tool's block is reported once and does not end the call", () => {
  const stream = open();
  const unknown: ConverseEvent = {
    type: "contentBlockDelta",
    index: 0,
    delta: { type: "unknown", name: "future" },
  };
  const text = [toolStart(0), unknown, unknown, toolInput(0, "{}")].map((event) => stream.push(event)).join(
    "",
  );
  assert.equal(data(text).at(-1)?.delta.partial_json, "{}");
  assert.deepEqual(stream.anomalies, ['content block "future"']);
});

Deno.test("redacted thinking in pieces is one block with all of the bytes", () => {
  const stream = open();
  const pieces = ["EmwK", "AhgBEgy", "\xff\x00é"].map((piece) =>
    Buffer.from(piece, "latin1").toString("base64")
  );
  const text =
    pieces.map((piece) =>
      stream.push({ type: "contentBlockDelta", index: 0, delta: { type: "redactedContent", data: piece } })
    ).join("") + stream.push({ type: "contentBlockStop", index: 0 });
  assert.deepEqual(data(text).map(({ type }) => type), [
    "message_start",
    "content_block_start",
    "content_block_stop",
  ]);
  assert.equal(data(text)[1].content_block.data, "EmwKAhgBEgy\xff\x00é");
});

Deno.test("any stream amounts to the same message in Anthropic's client as the whole answer", async () => {
  const random = new Random(5);
  for (let round = 0; round < 150; round++) {
    const events = randomEvents(random);
    const stream = open();
    const text = decodeEvents([encodeEvents(events)]).map((event) => stream.push(event)).join("") +
      stream.end();
    const whole = converseToMessages(parseConverseResponse(accumulateEvents(events)), CONTEXT);
    assert.deepEqual(
      await accumulateMessage(text),
      JSON.parse(JSON.stringify(whole.body)),
      JSON.stringify(events),
    );
  }
});

const ALPHABET = ["a", " ", "\n", '"', "\\", "ü", "🙂", "\u2028", "\r"];

/** A stream as Bedrock may send it: blocks of every kind, some not closed, some empty. */
function randomEvents(random: Random): RawEvent[] {
  const events: RawEvent[] = [{ event: "messageStart", payload: { role: "assistant" } }];
  const blocks = random.below(5);
  for (let index = 0; index < blocks; index++) {
    const delta = (value: JsonObject) =>
      events.push({ event: "contentBlockDelta", payload: { contentBlockIndex: index, delta: value } });
    const words = Array.from({ length: random.below(4) }, () => random.text(ALPHABET, 6));
    switch (random.pick(["text", "thinking", "redacted", "tool"])) {
      case "text":
        for (const text of ["", ...words]) delta({ text });
        break;
      case "thinking":
        for (const text of ["x", ...words]) delta({ reasoningContent: { text } });
        if (random.below(2) === 0) delta({ reasoningContent: { signature: "Eq+/==" } });
        break;
      case "redacted":
        delta({
          reasoningContent: { redactedContent: Buffer.from(`r${words.join("")}`).toString("base64") },
        });
        break;
      case "tool": {
        const toolUse = { toolUseId: `t${index}`, name: "n" };
        events.push({
          event: "contentBlockStart",
          payload: { contentBlockIndex: index, start: { toolUse } },
        });
        const json = random.below(3) === 0 ? "" : JSON.stringify({ words });
        for (const input of ["", json.slice(0, 3), json.slice(3)]) delta({ toolUse: { input } });
        break;
      }
    }
    if (random.below(3) > 0) {
      events.push({ event: "contentBlockStop", payload: { contentBlockIndex: index } });
    }
  }
  const usage = { inputTokens: random.below(99), outputTokens: random.below(99), totalTokens: 0 };
  events.push({
    event: "messageStop",
    payload: { stopReason: random.pick(["end_turn", "tool_use", "max_tokens"]) },
  });
  events.push({ event: "metadata", payload: { usage } });
  return events;
}

/** The deltas of a kind in a text of events, joined. */
function joinedDeltas(sse: string, member: "text" | "thinking" | "partial_json"): string {
  return data(sse).flatMap(({ delta }) => typeof delta?.[member] === "string" ? [delta[member]] : []).join(
    "",
  );
}

Deno.test("half a character at the end of a delta waits for its other half, and alone is U+FFFD", () => {
  const delta = (index: number, text: string): ConverseEvent => ({
    type: "contentBlockDelta",
    index,
    delta: { type: "text", text },
  });
  const thought = (index: number, text: string): ConverseEvent => ({
    type: "contentBlockDelta",
    index,
    delta: { type: "reasoningText", text },
  });
  const stream = open();
  const sse = [
    thought(0, "a\ud83d"),
    thought(0, "\ude00b"),
    delta(1, "c\ud83d"),
    delta(1, "\ude00"),
    delta(1, "d\ud83d"),
    toolStart(2),
    toolInput(2, '{"e":"\\ud83d'),
    toolInput(2, '\\ude00 \\ude00"}'),
    { type: "contentBlockStop", index: 2 } as const,
  ].map((event) => stream.push(event)).join("");
  assert.equal(joinedDeltas(sse, "thinking"), "a\u{1f600}b");
  assert.equal(joinedDeltas(sse, "text"), "c\u{1f600}d\ufffd");
  assert.deepEqual(JSON.parse(joinedDeltas(sse, "partial_json")), { e: "\u{1f600} \ufffd" });
  assert.ok(sse.isWellFormed() && !/\\ud8/i.test(sse.replaceAll("\\\\", "")));
});

Deno.test("a structured answer that Bedrock could not read is an error, whole and streamed", () => {
  const context = { ...CONTEXT, call: { ...CONTEXT.call, isStructured: true } };
  for (const stopReason of ["malformed_tool_use", "malformed_model_output"]) {
    const response = { output: { message: { content: [{ text: "<function_calls>" }] } }, stopReason };
    assert.throws(() => converseToMessages(parseConverseResponse(response), context), {
      kind: "model_error",
    });
    const stream = new ConverseStreamToMessages(context);
    assert.throws(() => stream.push({ type: "messageStop", stopReason }), { kind: "model_error" });
    assert.equal(stream.isDelivered, false, "the client still has to see the error");
    assert.match(stream.fail(new AditError("model_error")), /^event: error\n/);
  }
});
