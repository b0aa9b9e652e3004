/** OpenAI's own client, and the upstream requests that its requests become, checked against AWS's schema. */

import assert from "node:assert/strict";
import OpenAI from "openai";
import { converseAnswer, converseFrames, USAGE } from "../fakes/frames.ts";
import { type FakeUpstream, jsonAnswer, startFakeUpstream, streamAnswer } from "../fakes/upstream.ts";
import { assertMatchesSchema } from "../suites/sdk_schema.ts";
import { endpointConfig, KEY } from "./configs.ts";
import { forEachRuntime, type RuntimeName, startProgram } from "./program.ts";

const MESSAGES: OpenAI.Chat.Completions.ChatCompletionMessageParam[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Hello" },
  { role: "assistant", content: "Hello!" },
  { role: "user", content: [{ type: "text", text: "Once more" }] },
];
const REQUEST = { model: "claude", messages: MESSAGES, max_tokens: 50, temperature: 0.5, stop: ["END"] };
const TOKENS = {
  prompt_tokens: USAGE.inputTokens + USAGE.cacheReadInputTokens,
  completion_tokens: USAGE.outputTokens,
};

interface Setting {
  readonly client: OpenAI;
  readonly upstream: FakeUpstream;
}

/** A test of the client, whose every request upstream has to match AWS's schema. */
function clientTest(name: string, test: (setting: Setting) => Promise<void>): void {
  forEachRuntime(`openai: ${name}`, async (runtime: RuntimeName) => {
    await using upstream = await startFakeUpstream();
    await using program = await startProgram(runtime, endpointConfig(upstream.url));
    const client = new OpenAI({ baseURL: `${program.url}/v1`, apiKey: KEY, maxRetries: 0 });
    await test({ client, upstream });
    for (const { startLine, body } of upstream.requests) {
      const operation = startLine.includes("/converse-stream ") ? "ConverseStream" : "Converse";
      assertMatchesSchema(operation, JSON.parse(new TextDecoder().decode(body)));
    }
  });
}

clientTest("a completion has the text, the reason and the tokens", async ({ client, upstream }) => {
  upstream.script(jsonAnswer(200, converseAnswer("Hello!")));
  const completion = await client.chat.completions.create(REQUEST);
  const [choice] = completion.choices;
  assert.deepEqual([choice?.message.content, choice?.finish_reason], ["Hello!", "stop"]);
  assert.equal(completion.model, "claude");
  assert.partialDeepStrictEqual(completion.usage, { ...TOKENS, total_tokens: 12 });
  const { body } = await upstream.requestAt(0);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(body)), {
    system: [{ text: "Be brief." }],
    messages: [
      { role: "user", content: [{ text: "Hello" }] },
      { role: "assistant", content: [{ text: "Hello!" }] },
      { role: "user", content: [{ text: "Once more" }] },
    ],
    inferenceConfig: { maxTokens: 50, temperature: 0.5, stopSequences: ["END"] },
  });
});

for (const include_usage of [true, false]) {
  clientTest(`a stream ${include_usage ? "with" : "without"} usage`, async ({ client, upstream }) => {
    upstream.script(streamAnswer(converseFrames("Hel", "lo!")));
    const stream = await client.chat.completions.create({
      ...REQUEST,
      stream: true,
      stream_options: { include_usage },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), "Hello!");
    assert.deepEqual(
      chunks.filter(({ usage }) => usage).map(({ choices, usage }) => [choices.length, usage?.total_tokens]),
      include_usage ? [[0, 12]] : [],
    );
    assert.equal(chunks.findLast(({ choices }) => choices.length > 0)?.choices[0]?.finish_reason, "stop");
  });
}

clientTest("the models are listed and found", async ({ client }) => {
  const names: string[] = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.deepEqual(names, ["claude", "nova"]);
  assert.equal((await client.models.retrieve("nova")).id, "nova");
  await assert.rejects(client.models.retrieve("unheard-of"), OpenAI.NotFoundError);
});

const THROTTLED = jsonAnswer(429, { message: "Too many requests" }, {
  "x-amzn-errortype": "ThrottlingException",
  "retry-after": "7",
});

clientTest("throttling is a rate limit with the provider's retry-after", async ({ client, upstream }) => {
  upstream.script(THROTTLED);
  await assert.rejects(client.chat.completions.create(REQUEST), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.equal(error.headers.get("retry-after"), "7");
    return true;
  });
});

clientTest("the client retries temporary errors, and no others", async ({ client, upstream }) => {
  const patient = client.withOptions({ maxRetries: 1 });
  upstream.script(jsonAnswer(503, { message: "busy" }), jsonAnswer(200, converseAnswer("Hello!")));
  assert.equal((await patient.chat.completions.create(REQUEST)).choices[0]?.message.content, "Hello!");
  assert.equal(upstream.requests.length, 2);
  upstream.script(jsonAnswer(403, { message: "expired" }, { "x-amzn-errortype": "ExpiredTokenException" }));
  await assert.rejects(patient.chat.completions.create(REQUEST), OpenAI.InternalServerError);
  assert.equal(upstream.requests.length, 3);
});
