/** OpenAI's own client over Responses, with the real program and its emulator. */

import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

type Input = OpenAI.Responses.ResponseInputItem[];

const MODELS = {
  opus: "us.anthropic.claude-opus-4-8",
  "gpt-oss": "openai.gpt-oss-120b-1:0",
  cut: "us.anthropic.claude-haiku-4-5-20251001-v1:0.fault-first:1.fault-end:4",
};

function clientTest(name: string, test: (client: OpenAI, program: Program) => Promise<void>): void {
  forEachRuntime(`openai: ${name}`, async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig(MODELS));
    await test(new OpenAI({ baseURL: `${program.url}/v1`, apiKey: KEY, maxRetries: 0 }), program);
  });
}

const TOOLS: OpenAI.Responses.Tool[] = [{
  type: "function",
  name: "get_weather",
  description: "Reports the weather",
  strict: false,
  parameters: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
}];

/** The items of a response as input; the client's types do not allow for the others. */
function replay(output: readonly OpenAI.Responses.ResponseOutputItem[]): Input {
  return output.flatMap((item) =>
    item.type === "reasoning" || item.type === "message" || item.type === "function_call" ? [item] : []
  );
}

/** The outputs of the calls in a response. */
function runTools(output: readonly OpenAI.Responses.ResponseOutputItem[]): Input {
  return output.flatMap((item) =>
    item.type !== "function_call" ? [] : [{
      type: "function_call_output",
      call_id: item.call_id,
      output: `${item.name} of ${JSON.parse(item.arguments).place}`,
    }]
  );
}

clientTest("a loop of two parallel calls ends, created whole and streamed", async (client) => {
  for (const model of ["claude", "nova", "gpt-oss"]) {
    const prompt = 'get_weather {"place": "Rome"} and get_weather {"place": "Oslo"}';
    const input: Input = [{ role: "user", content: prompt }];
    const first = await client.responses.stream({ model, input, tools: TOOLS }).finalResponse();
    const outputs = runTools(first.output);
    assert.equal(outputs.length, 2, model);
    input.push(...replay(first.output), ...outputs);
    const last = await client.responses.create({ model, input, tools: TOOLS });
    assert.match(last.output_text, /get_weather of Rome.*get_weather of Oslo/, model);
    assert.deepEqual([last.status, last.model], ["completed", model]);
    assert.ok((last.usage?.input_tokens ?? 0) > 0 && (last.usage?.output_tokens ?? 0) > 0, model);
  }
});

clientTest("thinking is sent back between the calls, as the client keeps it", async (client) => {
  const reasoning = { effort: "high", summary: "auto" } as const;
  const input: Input = [{ role: "user", content: 'get_weather {"place": "Rome"}' }];
  const request = { model: "opus", input, tools: TOOLS, reasoning };
  const { data: first } = await client.responses.create(request).withResponse();
  const [thought] = first.output;
  assert.ok(thought?.type === "reasoning" && thought.encrypted_content?.startsWith("adit1."));
  assert.ok((thought.summary[0]?.text ?? "") !== "");
  input.push(...replay(first.output), ...runTools(first.output));
  const { response, data: last } = await client.responses.create(request).withResponse();
  assert.equal(response.headers.get("x-adit-ignored"), null);
  assert.match(last.output_text, /get_weather of Rome/);
});

clientTest("structured output is parsed, natively and by a tool, whole and streamed", async (client) => {
  const Person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });
  for (const model of ["claude", "nova"]) {
    const request = { model, input: "Who is it?", text: { format: zodTextFormat(Person, "person") } };
    const whole = await client.responses.parse(request);
    assert.ok(Person.safeParse(whole.output_parsed).success, model);
    const streamed = await client.responses.stream(request).finalResponse();
    assert.deepEqual(streamed.output_parsed, whole.output_parsed, model);
  }
});

clientTest("the stream helper sees every step", async (client) => {
  const seen: string[] = [];
  const stream = client.responses.stream({
    model: "claude",
    input: 'get_weather {"place": "Rome"}',
    tools: TOOLS,
  });
  for await (const { type } of stream) if (seen.at(-1) !== type) seen.push(type);
  assert.deepEqual(seen, [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.completed",
  ]);
});

clientTest("a stream that is cut off is an error", async (client) => {
  const stream = client.responses.stream({ model: "cut", input: "Reply with: all of it" });
  await assert.rejects(stream.finalResponse(), /ended before it was complete/);
});

clientTest("features that need stored responses are refused with a remedy", async (client) => {
  const refused = { status: 400, code: "previous_response_not_found", param: "previous_response_id" };
  await assert.rejects(
    client.responses.create({ model: "claude", input: "Hi", previous_response_id: "resp_1" }),
    refused,
  );
  await assert.rejects(client.responses.retrieve("resp_1"), { status: 404 });
  await assert.rejects(client.responses.delete("resp_1"), { status: 404 });
  await assert.rejects(client.responses.cancel("resp_1"), { status: 404 });
});

clientTest("the input's tokens are counted", async (client) => {
  const count = await client.responses.inputTokens.count({ model: "claude", input: "How long is this?" });
  assert.deepEqual([count.object, count.input_tokens > 0], ["response.input_tokens", true]);
});
