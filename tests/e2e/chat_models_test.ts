/** OpenAI's client with the real program: models that refuse what others accept, and unusual histories. */

import assert from "node:assert/strict";
import OpenAI from "openai";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type Program, type RuntimeName, startProgram } from "./program.ts";

type Request = OpenAI.Chat.Completions.ChatCompletionCreateParamsNonStreaming;

const MODELS = {
  llama: "us.meta.llama3-3-70b-instruct-v1:0",
  opus: "us.anthropic.claude-opus-4-8",
  "gpt-oss": "openai.gpt-oss-120b-1:0",
};

function modelTest(name: string, test: (client: OpenAI, program: Program) => Promise<void>): void {
  forEachRuntime(`models: ${name}`, async (runtime: RuntimeName) => {
    await using program = await startProgram(runtime, emulatorConfig(MODELS));
    await test(new OpenAI({ baseURL: `${program.url}/v1`, apiKey: KEY, maxRetries: 0 }), program);
  });
}

/** Tools, one with a name that Nova does not accept. */
const TOOLS: OpenAI.Chat.Completions.ChatCompletionTool[] = [{
  type: "function",
  function: {
    name: "get-weather",
    parameters: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
  },
}];

modelTest("a streaming tool loop runs where tools are not streamed and names are mapped", async (client) => {
  for (const model of ["llama", "nova", "claude", "gpt-oss"]) {
    const messages: Request["messages"] = [{ role: "user", content: 'get-weather {"place": "Oslo"}' }];
    // The emulator calls a tool that the user names, and Nova's has another name there.
    const forced = model === "nova" ? { tool_choice: "required" as const } : {};
    const stream = client.chat.completions.stream({ model, messages, tools: TOOLS, ...forced });
    const [choice] = (await stream.finalChatCompletion()).choices;
    assert.equal(choice?.finish_reason, "tool_calls", model);
    const [call] = choice.message.tool_calls ?? [];
    assert.ok(call?.type === "function", model);
    assert.equal(call.function.name, "get-weather", model);
    assert.equal(typeof JSON.parse(call.function.arguments).place, "string", model);
    messages.push({ role: "assistant", content: null, tool_calls: [call] }, {
      role: "tool",
      tool_call_id: call.id,
      content: "rain",
    });
    const answer = await client.chat.completions.stream({ model, messages, tools: TOOLS }).finalContent();
    assert.match(answer ?? "", /rain/, model);
  }
});

/** Requests that Bedrock refuses unless they are adapted, for each model, and their ignored fields. */
const FITTED: readonly (readonly [name: string, models: string[], request: object, ignored: RegExp])[] = [
  ["a stop sequence", ["gpt-oss"], { stop: ["Observation:"] }, /\bstop\b/],
  ["a blank stop sequence", ["claude"], { stop: ["\n"] }, /\bstop\b/],
  ["a limit above the model's", ["nova"], { max_tokens: 100_000 }, /\bmax_tokens\b/],
  ["sampling next to thinking", ["claude"], {
    temperature: 0.2,
    reasoning_effort: "low",
  }, /\btemperature\b/],
  ["sampling", ["opus"], { temperature: 1, top_p: 0.5 }, /temperature.*top_p/],
  ["a forced call next to thinking", ["claude"], {
    tools: TOOLS,
    tool_choice: "required",
    reasoning_effort: "high",
  }, /reasoning_effort/],
  ["a strict tool with bounds", ["claude", "opus"], {
    tools: [{
      type: "function",
      function: {
        name: "f",
        strict: true,
        parameters: { type: "object", properties: { n: { type: "integer", minimum: 1 } } },
      },
    }],
  }, /strict|minimum/],
  ["a schema with bounds", ["claude", "gpt-oss"], {
    response_format: {
      type: "json_schema",
      json_schema: {
        name: "r",
        schema: {
          type: "object",
          properties: { l: { type: "array", items: { type: "string" }, maxItems: 3 } },
        },
      },
    },
  }, /maxItems/],
];

modelTest("what a model refuses is left out, listed, and the request is served", async (client) => {
  for (const [name, models, fields, ignored] of FITTED) {
    for (const model of models) {
      const { response } = await client.chat.completions.create({
        model,
        messages: [{ role: "user", content: "Hello" }],
        ...fields,
      } as Request).withResponse();
      assert.match(response.headers.get("x-adit-ignored") ?? "", ignored, `${name} of ${model}`);
    }
  }
});

modelTest("a history with a torn call, an id used twice and half a character is served", async (client) => {
  const call = (id: string, args: string) => ({
    id,
    type: "function" as const,
    function: { name: "get-weather", arguments: args },
  });
  for (const model of ["claude", "nova", "llama", "opus"]) {
    const answer = await client.chat.completions.create({
      model,
      tools: TOOLS,
      messages: [
        { role: "user", content: "a \ud83d b" },
        { role: "assistant", content: null, tool_calls: [call("c:0", '{"place":')] },
        { role: "tool", tool_call_id: "c:0", content: "unknown place" },
        { role: "assistant", content: null, tool_calls: [call("c:0", '{"place":"Oslo"}')] },
        { role: "tool", tool_call_id: "c:0", content: "rain" },
        { role: "tool", tool_call_id: "c:0", content: "rain" },
        { role: "system", content: "Answer in one word." },
      ],
    });
    assert.equal(answer.choices[0]?.finish_reason, "stop", model);
  }
});

modelTest("a message that says nothing is refused with its path", async (client) => {
  await assert.rejects(
    client.chat.completions.create({
      model: "claude",
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
        { role: "user", content: "  " },
      ],
    }),
    (error: unknown) => error instanceof OpenAI.BadRequestError && error.param === "messages[2].content",
  );
});
