/** OpenAI's and Anthropic's clients, whose requests are passed on to Bedrock's own APIs on the emulator. */

import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, jsonSchema, stepCountIs, tool } from "ai";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import OpenAI, { BedrockOpenAI } from "openai";
import { bedrock } from "openai/providers/bedrock";
import { PNG } from "../fakes/image_host.ts";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

const HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0";

const MODELS =
  `  gpt: { provider: local, id: us.openai.gpt-5.6-sol, chat: runtime, responses: runtime, drop_tools: [web_search] }
  mantle: { provider: local, id: openai.gpt-5.6-sol, chat: mantle, responses: mantle, mantle_path: /v1 }
  own-claude: { provider: local, id: us.${HAIKU}, messages: runtime }
  mantle-claude: { provider: local, id: "${HAIKU}", messages: mantle }
  translated: { provider: local, id: us.${HAIKU}, drop_tools: [mcp] }
  cut: { provider: local, id: "us.openai.gpt-5.6-sol.fault-cut:3", chat: runtime, responses: runtime }
`;

function programTest(name: string, test: (program: Program) => Promise<void>): void {
  forEachRuntime(`own APIs: ${name}`, async (runtime) => {
    const config = emulatorConfig().replace("callers:\n", `${MODELS}callers:\n`);
    await using program = await startProgram(runtime, config);
    await test(program);
  });
}

function clientOf({ url }: Program): OpenAI {
  return new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: KEY, maxRetries: 0 });
}

const PNG_URL = `data:image/png;base64,${Buffer.from(PNG).toString("base64")}`;

const TOOL = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

programTest("chat completions, whole and streamed", async (program) => {
  const client = clientOf(program);
  for (const model of ["gpt", "mantle"]) {
    const messages = [{ role: "user" as const, content: "reply with: Hello there" }];
    const whole = await client.chat.completions.create({ model, messages });
    assert.equal(whole.model, model);
    assert.equal(whole.choices[0]?.message.content, "Hello there");
    let text = "";
    let usage;
    const stream = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      assert.equal(chunk.model, model);
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, "Hello there");
    assert.deepEqual(usage, whole.usage);
    const line = await program.waitForLog((each) => each["model"] === model && each["status"] === 200);
    assert.equal(line["input_tokens"], whole.usage?.prompt_tokens);
  }
});

programTest("the OpenAI client's two forms for Bedrock, with only another base URL", async ({ url }) => {
  const place = { baseURL: `${url}/openai/v1`, apiKey: KEY };
  const clients = [
    new BedrockOpenAI({ ...place, awsRegion: "us-east-1", maxRetries: 0 }),
    new OpenAI({ provider: bedrock({ ...place, region: "us-east-1" }), maxRetries: 0 }),
  ];
  for (const client of clients) {
    for (const model of ["gpt", "mantle", "translated"]) {
      const { output_text } = await client.responses.create({ model, input: "reply with: Hello there" });
      assert.equal(output_text, "Hello there");
    }
  }
});

programTest("responses, with a tool's result", async (program) => {
  const client = clientOf(program);
  for (const model of ["gpt", "mantle"]) {
    const tools = [{ type: "function" as const, name: "get_weather", parameters: TOOL, strict: false }];
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: 'get_weather {"city": "Rome"}' }];
    const stream = client.responses.stream({ model, input, tools });
    const first = await stream.finalResponse();
    assert.equal(first.model, model);
    const call = first.output.find((item) => item.type === "function_call");
    assert.equal(call?.arguments, '{"city":"Rome"}');
    const { call_id, name, arguments: args } = call;
    const answer = await client.responses.create({
      model,
      tools,
      input: [
        ...input,
        { type: "function_call", call_id, name, arguments: args },
        { type: "function_call_output", call_id, output: "sun in Rome" },
      ],
    });
    assert.match(answer.output_text, /sun in Rome/);
  }
});

programTest("answers in a format, custom tools and images", async (program) => {
  const client = clientOf(program);
  const format = {
    type: "json_schema" as const,
    name: "place",
    schema: { ...TOOL, additionalProperties: false },
    strict: true,
  };
  for (const model of ["gpt", "mantle"]) {
    const { output_parsed } = await client.responses.parse({ model, input: "Where?", text: { format } });
    assert.equal(typeof Object(output_parsed).city, "string");
    const tools = [{ type: "custom" as const, name: "patch" }];
    const stream = client.responses.stream({ model, input: 'patch {"input": "a\\nb"}', tools });
    let input = "";
    for await (const event of stream) {
      if (event.type === "response.custom_tool_call_input.delta") input += event.delta;
    }
    const call = (await stream.finalResponse()).output.find((item) => item.type === "custom_tool_call");
    assert.deepEqual([input, call?.input], ["a\nb", "a\nb"]);
    const image = { type: "input_image" as const, detail: "auto" as const, image_url: PNG_URL };
    const seen = await client.responses.create({ model, input: [{ role: "user", content: [image] }] });
    assert.match(seen.output_text, /one image/);
  }
});

programTest("the AI SDK and LangChain call tools and go on", async ({ url }) => {
  const ai = createOpenAI({ baseURL: `${url}/openai/v1`, apiKey: KEY });
  for (const model of ["gpt", "mantle"]) {
    const { text, steps } = await generateText({
      model: ai.responses(model),
      prompt: 'get_weather {"city": "Rome"}',
      stopWhen: stepCountIs(3),
      tools: { get_weather: tool({ inputSchema: jsonSchema(TOOL), execute: () => Promise.resolve("sun") }) },
      providerOptions: { openai: { store: false, include: ["reasoning.encrypted_content"] } },
    });
    assert.deepEqual([steps.length, text], [2, "Here is what the tools returned. get_weather: sun"]);
    const chain = new ChatOpenAI({
      model,
      apiKey: KEY,
      configuration: { baseURL: `${url}/openai/v1` },
      useResponsesApi: true,
      zdrEnabled: true,
      maxRetries: 0,
    }).bindTools([{ type: "function", function: { name: "get_weather", parameters: TOOL } }]);
    const history = [new HumanMessage('get_weather {"city": "Rome"}')];
    const first = await chain.invoke(history);
    const id = first.tool_calls?.[0]?.id ?? "";
    const last = await chain.invoke([
      ...history,
      first,
      new ToolMessage({ content: "sun", tool_call_id: id }),
    ]);
    assert.match(last.text, /sun/);
  }
});

programTest("tools that the endpoint refuses are dropped where the model says so", async (program) => {
  const client = clientOf(program);
  const request = { input: "Hi", tools: [{ type: "web_search" as const }] };
  const { response } = await client.responses.create({ ...request, model: "gpt" }).withResponse();
  assert.equal(response.headers.get("x-adit-ignored"), "tools[web_search]");
  await assert.rejects(client.responses.create({ ...request, model: "cut" }), {
    status: 400,
    message: /web_search is not supported/,
  });
});

programTest("hosted tools are dropped from translated responses where the model says so", async (program) => {
  const client = clientOf(program);
  const mcp = { type: "mcp" as const, server_label: "docs", server_url: "https://mcp.example" };
  const search = { type: "file_search" as const, vector_store_ids: ["vs"] };
  const request = { model: "translated", input: "reply with: Hello there" };
  const { data, response } = await client.responses.create({ ...request, tools: [mcp] }).withResponse();
  assert.equal(data.output_text, "Hello there");
  assert.equal(response.headers.get("x-adit-ignored"), "tools[mcp]");
  await assert.rejects(client.responses.create({ ...request, tools: [mcp, search] }), {
    status: 400,
    param: "tools[1].type",
  });
});

programTest("Anthropic's Messages, whole and streamed", async ({ url }) => {
  const client = new Anthropic({ baseURL: url, apiKey: KEY, maxRetries: 0 });
  for (const model of ["own-claude", "mantle-claude"]) {
    const request = {
      model,
      max_tokens: 100,
      messages: [{ role: "user" as const, content: "reply with: Hello there" }],
    };
    const whole = await client.messages.create(request);
    assert.equal(whole.model, model);
    const streamed = await client.messages.stream(request).finalMessage();
    assert.deepEqual(streamed.content, whole.content);
    assert.equal(streamed.model, model);
    assert.deepEqual(streamed.usage.output_tokens, whole.usage.output_tokens);
  }
});

programTest("a stream that is cut is an error to the client, never an end", async (program) => {
  const client = clientOf(program);
  const messages = [{ role: "user" as const, content: "reply with: one two three four five six" }];
  const stream = await client.chat.completions.create({ model: "cut", messages, stream: true });
  await assert.rejects(async () => {
    for await (const _chunk of stream);
  });
  await program.waitForLog((line) => line["error"] === "stream_truncated");
});
