/** What a stream's translator reports, in addition to the text in the golden cases. */

import assert from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError } from "../../../lib/base/errors.ts";
import { converseToChat } from "../../../lib/translate/chat/answer.ts";
import { ConverseStreamToChat } from "../../../lib/translate/chat/answer_stream.ts";
import { parseConverseEvent } from "../../../lib/wire/bedrock/converse_stream.ts";
import type { BlockDelta, ConverseEvent } from "../../../lib/wire/bedrock/converse_stream.ts";
import type { ChatCompletion } from "../../../lib/wire/openai/completion.ts";
import { ToolNames } from "../../../lib/translate/converse/tools/tool_names.ts";
import { accumulateChunks, readChunks } from "../../suites/sse_chunks.ts";

function open(isStructured = false): ConverseStreamToChat {
  const call = {
    toolNames: new ToolNames(),
    structuredTool: undefined,
    isStructured,
    includeUsage: false,
  };
  return new ConverseStreamToChat({ id: 'chatcmpl-"1"', created: 1, model: "näme\n", call });
}

const toolStart = (index: number): ConverseEvent => ({
  type: "contentBlockStart",
  index,
  start: { type: "toolUse", toolUseId: "t", name: "n" },
});
const delta = (index: number, value: BlockDelta): ConverseEvent => ({
  type: "contentBlockDelta",
  index,
  delta: value,
});
const toolInput = (index: number, input: string) => delta(index, { type: "toolInput", input });

Deno.test("a stream is finished by messageStop, not by what comes before or by its end", () => {
  const stream = open();
  stream.push({ type: "contentBlockDelta", index: 0, delta: { type: "text", text: "Hi" } });
  assert.deepEqual([stream.finished, stream.stopReason, stream.usage], [false, undefined, undefined]);
  stream.push({ type: "messageStop", stopReason: "end_turn" });
  assert.deepEqual([stream.finished, stream.stopReason, stream.usage], [true, "end_turn", undefined]);
  const usage = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 };
  stream.push({ type: "metadata", usage });
  assert.deepEqual(stream.usage, usage);
});

Deno.test("the head of a chunk is valid JSON whatever the model's name", () => {
  const [chunk] = readChunks(open().push({ type: "messageStart" }));
  assert.deepEqual(chunk, {
    id: 'chatcmpl-"1"',
    object: "chat.completion.chunk",
    created: 1,
    model: "näme\n",
    choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
  });
});

Deno.test("every finish comes once, however often the upstream says so", () => {
  const stream = open();
  const text = [
    stream.push({ type: "messageStart" }),
    stream.push({ type: "messageStart" }),
    stream.push({ type: "messageStop", stopReason: "end_turn" }),
    stream.push({ type: "metadata", usage: undefined }),
    stream.push({ type: "metadata", usage: undefined }),
    stream.end(),
  ].join("");
  assert.equal(readChunks(text).length, 3);
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
  assert.ok(!text.includes("late"));
  assert.ok(text.endsWith('"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'));
  assert.deepEqual(stream.anomalies, [
    "contentBlockDelta after messageStop",
    "messageStop after messageStop",
  ]);
});

Deno.test("a failure is one error event with the row of its kind", () => {
  assert.deepEqual(readChunks(open().fail(new AditError("overloaded"))), [{
    error: {
      message: "the model provider is overloaded; retry shortly",
      type: "server_error",
      param: null,
      code: "overloaded",
    },
  }]);
});

Deno.test("text with line ends and separators stays one line of an event", () => {
  const text = "a\r\nb\u2028c\u2029\n\n";
  const sse = open().push({ type: "contentBlockDelta", index: 0, delta: { type: "text", text } });
  const chunk = readChunks(sse).at(-1) as { choices: [{ delta: { content: string } }] };
  assert.equal(chunk.choices[0].delta.content, text);
});

Deno.test("an unknown delta inside a tool's block is reported once and does not end the call", () => {
  const stream = open();
  const empty = parseConverseEvent("contentBlockDelta", encodeUtf8('{"contentBlockIndex":0,"delta":{}}'));
  const future = delta(0, { type: "unknown", name: "future" });
  const events: ConverseEvent[] = [
    { type: "messageStart" },
    toolStart(0),
    toolInput(0, '{"a":'),
    future,
    empty,
    future,
    toolInput(0, "1}"),
    { type: "messageStop", stopReason: "tool_use" },
  ];
  const text = events.map((event) => stream.push(event)).join("") + stream.end();
  const { choices } = accumulateChunks(text) as ChatCompletion;
  assert.equal(choices[0].message.tool_calls?.[0]?.function.arguments, '{"a":1}');
  assert.deepEqual(stream.anomalies, ['content block "future"', 'content block ""']);
});

Deno.test("input for a tool that is closed or was never there is an error, not a shorter call", () => {
  const torn: readonly ConverseEvent[][] = [
    [toolInput(0, "{}")],
    [toolStart(0), { type: "contentBlockStop", index: 0 }, toolInput(0, "{}")],
    [toolStart(0), delta(0, { type: "text", text: "a" }), toolInput(0, "{}")],
  ];
  for (const events of torn) {
    const stream = open();
    assert.throws(() => events.forEach((event) => stream.push(event)), { kind: "upstream_protocol" });
  }
});

for (const stopReason of ["malformed_tool_use", "malformed_model_output"]) {
  Deno.test(`a structured answer that is ${stopReason} fails the stream; any other message ends`, () => {
    const text = delta(0, { type: "text", text: "<function_calls>" });
    const structured = open(true);
    structured.push(text);
    assert.throws(() => structured.push({ type: "messageStop", stopReason }), { kind: "model_error" });
    assert.equal(structured.finished, false, "nothing may end it well");
    const plain = open();
    plain.push(text);
    const end = plain.push({ type: "messageStop", stopReason }) + plain.end();
    assert.ok(end.includes('"finish_reason":"stop"') && end.endsWith("data: [DONE]\n\n"));
    assert.deepEqual(plain.anomalies, [`stop reason "${stopReason}"`]);
  });

  Deno.test(`a whole structured answer that is ${stopReason} is an error`, () => {
    const response = { content: [{ type: "text", text: "{" } as const], stopReason, usage: undefined };
    const context = (isStructured: boolean) => ({
      id: "chatcmpl-1",
      created: 1,
      model: "m",
      call: { toolNames: new ToolNames(), structuredTool: undefined, isStructured, includeUsage: false },
    });
    assert.throws(() => converseToChat(response, context(true)), { kind: "model_error" });
    assert.equal(converseToChat(response, context(false)).body.choices[0].finish_reason, "stop");
  });
}
