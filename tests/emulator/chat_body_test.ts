/** InvokeModel with OpenAI's Chat Completions body. */

import assert from "node:assert/strict";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { assertRefused, framesOf, pathOf, payloadOf, postTo, type RefusedRequest } from "./harness.ts";

const GPT_OSS = "openai.gpt-oss-120b-1:0";
const QWEN = "qwen.qwen3-32b-v1:0";

const user = { role: "user", content: "reply with: hello there" };
const tool = {
  type: "function",
  function: {
    name: "get_weather",
    description: "d",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

interface Completion {
  readonly id: string;
  readonly model: string;
  readonly choices: readonly {
    readonly finish_reason: string;
    readonly message: { readonly content: string | null; readonly tool_calls?: readonly ToolCall[] };
  }[];
  readonly usage: Readonly<Record<string, number>>;
}

interface ToolCall {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

async function complete(body: object, model = QWEN): Promise<Completion> {
  const response = await postTo()(pathOf(model, "invoke"), body);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

/** The chunks of the stream, without the metrics of the last. */
async function streamed(body: object, model = QWEN): Promise<readonly Record<string, unknown>[]> {
  const frames = await framesOf(await postTo()(pathOf(model, "invoke-with-response-stream"), body));
  return frames.map((frame) => {
    const { bytes }: { bytes: string } = JSON.parse(payloadOf(frame));
    return JSON.parse(decodeUtf8(Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0))));
  });
}

Deno.test("a completion has OpenAI's shape and adds up", async () => {
  const { id, model, choices, usage } = await complete({ messages: [user], max_tokens: 50 });
  assert.match(id, /^chatcmpl-/);
  assert.equal(model, QWEN);
  assert.deepEqual(choices.map(({ finish_reason, message }) => [finish_reason, message.content]), [
    ["stop", "hello there"],
  ]);
  assert.equal(usage["total_tokens"], usage["prompt_tokens"]! + usage["completion_tokens"]!);
});

Deno.test("gpt-oss accepts an effort and puts its reasoning into the content", async () => {
  const { choices } = await complete({
    model: GPT_OSS,
    messages: [{ role: "developer", content: "be brief" }, user],
    reasoning_effort: "low",
    max_completion_tokens: 100,
  }, GPT_OSS);
  assert.match(choices[0]?.message.content ?? "", /^<reasoning>.+<\/reasoning>hello there$/);
});

Deno.test("tools are called, and their results are read", async () => {
  const question = { role: "user", content: "get_weather" };
  const { choices: [choice] } = await complete({ messages: [question], tools: [tool], tool_choice: "auto" });
  assert.equal(choice?.finish_reason, "tool_calls");
  const [call] = choice?.message.tool_calls ?? [];
  assert.deepEqual(JSON.parse(call?.function.arguments ?? ""), { city: "some city" });
  const messages = [
    question,
    { role: "assistant", content: null, tool_calls: [{ ...call, type: "function" }] },
    { role: "tool", tool_call_id: call?.id, content: "rain" },
  ];
  const { choices: [after] } = await complete({ messages, tools: [tool] });
  assert.match(after?.message.content ?? "", /get_weather: rain/);
});

Deno.test("a response satisfies its schema, and without one is the JSON object that the prompt describes", async () => {
  const schema = {
    type: "object",
    properties: { age: { type: "integer" } },
    required: ["age"],
    additionalProperties: false,
  };
  const strict = await complete({
    messages: [user],
    response_format: { type: "json_schema", json_schema: { name: "person", schema, strict: true } },
  });
  assert.deepEqual(JSON.parse(strict.choices[0]?.message.content ?? ""), { age: 1 });
  const loose = await complete({
    messages: [{ role: "user", content: 'Answer in JSON with the keys "name" and "age".' }],
    response_format: { type: "json_object" },
  });
  assert.deepEqual(Object.keys(JSON.parse(loose.choices[0]?.message.content ?? "")), ["name", "age"]);
});

Deno.test("the stream adds up to the completion, its usage without choices last", async () => {
  const body = { messages: [{ role: "user", content: "get_weather" }], tools: [tool], stream: true };
  const chunks = await streamed(body);
  assert.ok(chunks.every(({ object }) => object === "chat.completion.chunk"));
  const deltas = chunks.flatMap(({ choices }) => choices as { delta: Delta; finish_reason: string | null }[]);
  const { choices: [choice] } = await complete({ ...body, stream: false });
  const joined = deltas.map(({ delta }) => delta.content ?? "").join("");
  assert.equal(joined, choice?.message.content);
  const calls = deltas.flatMap(({ delta }) => delta.tool_calls ?? []);
  assert.equal(calls[0]?.function.name, "get_weather");
  assert.equal(
    calls.map((call) => call.function.arguments).join(""),
    choice?.message.tool_calls?.[0]?.function.arguments,
  );
  assert.deepEqual(deltas.flatMap(({ finish_reason: reason }) => reason ?? []), ["tool_calls"]);
  const last = chunks.at(-1) ?? {};
  assert.deepEqual(last["choices"], []);
  assert.ok(last["usage"]);
  assert.ok(last["amazon-bedrock-invocationMetrics"]);
});

interface Delta {
  readonly content?: string;
  readonly tool_calls?: readonly {
    readonly function: { readonly name?: string; readonly arguments: string };
  }[];
}

const REFUSED: Readonly<Record<string, RefusedRequest>> = {
  "a member that OpenAI does not know": {
    body: { messages: [user], thinking: {} },
    message: /^Failed to deserialize the JSON body into the target type: thinking: unknown field `thinking`/,
  },
  "an unknown member of a message": {
    body: { messages: [{ ...user, cache_control: {} }] },
    message:
      /^Failed to deserialize the JSON body into the target type: messages\[0\].cache_control: unknown field/,
  },
  "arguments that are not JSON": {
    body: {
      messages: [user, {
        role: "assistant",
        tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: '{"a":' } }],
      }],
      tools: [tool],
    },
    message: "The arguments of a tool call are not valid JSON",
  },
  "stop sequences, as in Converse": {
    body: { messages: [user], stop: ["x"] },
    message: "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
  },
};

for (const [what, refused] of Object.entries(REFUSED)) {
  Deno.test(`OpenAI's body may not have ${what}`, () =>
    assertRefused(["invoke", "invoke-with-response-stream"], { model: GPT_OSS, ...refused }));
}
