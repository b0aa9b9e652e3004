/** OpenAI's own client with the real program and its emulator: whole loops, as applications run them. */

import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { PNG } from "../fakes/image_host.ts";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type Program, type RuntimeName, startProgram } from "./program.ts";

type Message = OpenAI.Chat.Completions.ChatCompletionMessageParam;
type AssistantMessage = OpenAI.Chat.Completions.ChatCompletionMessage;

const HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

const MODELS = {
  llama: "us.meta.llama3-3-70b-instruct-v1:0",
  nova2: "us.amazon.nova-2-lite-v1:0",
};

function clientOf({ url }: Program, apiKey = KEY): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
}

/** A test with a client and a program of its own, with these models in addition to the usual ones. */
function clientTest(
  name: string,
  test: (client: OpenAI, program: Program) => Promise<void>,
  models: Readonly<Record<string, string>> = MODELS,
): void {
  forEachRuntime(`openai: ${name}`, async (runtime: RuntimeName) => {
    await using program = await startProgram(runtime, emulatorConfig(models));
    await test(clientOf(program), program);
  });
}

const TOOLS: OpenAI.Chat.Completions.ChatCompletionTool[] = [{
  type: "function",
  function: {
    name: "get_weather",
    description: "Tells the weather",
    parameters: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
  },
}];

/** The results of the tools in the loop. */
function runTool(name: string, args: string): string {
  return `${name} of ${JSON.parse(args).place}`;
}

/** Combines a stream's tool calls by index, as the API reference says. */
async function readToolCalls(
  stream: AsyncIterable<OpenAI.Chat.Completions.ChatCompletionChunk>,
): Promise<AssistantMessage["tool_calls"]> {
  const calls: { id: string; type: "function"; function: { name: string; arguments: string } }[] = [];
  for await (const { choices } of stream) {
    for (const delta of choices[0]?.delta.tool_calls ?? []) {
      const call = calls[delta.index] ??= { id: "", type: "function", function: { name: "", arguments: "" } };
      call.id += delta.id ?? "";
      call.function.name += delta.function?.name ?? "";
      call.function.arguments += delta.function?.arguments ?? "";
    }
  }
  return calls;
}

clientTest("a streaming loop of two parallel tool calls ends", async (client) => {
  for (const model of ["claude", "nova"]) {
    const messages: Message[] = [{
      role: "user",
      content: 'get_weather {"place": "Rome"} and get_weather {"place": "Oslo"}',
    }];
    const tool_calls = await readToolCalls(
      await client.chat.completions.create({ model, messages, tools: TOOLS, stream: true }),
    );
    assert.deepEqual(
      tool_calls?.map((call) => call.type === "function" && [call.function.name, call.function.arguments]),
      [["get_weather", '{"place":"Rome"}'], ["get_weather", '{"place":"Oslo"}']],
    );
    messages.push({ role: "assistant", content: null, ...(tool_calls && { tool_calls }) });
    for (const call of tool_calls ?? []) {
      if (call.type !== "function") continue;
      const content = runTool(call.function.name, call.function.arguments);
      messages.push({ role: "tool", tool_call_id: call.id, content });
    }
    const answer = await client.chat.completions.stream({ model, messages, tools: TOOLS }).finalContent();
    assert.match(answer ?? "", /get_weather of Rome.*get_weather of Oslo/);
  }
});

clientTest("runTools calls a tool whose name Bedrock does not accept", async (client) => {
  const places: string[] = [];
  const runner = client.chat.completions.runTools({
    model: "claude",
    stream: true,
    messages: [{ role: "user", content: "What time is it?" }],
    tool_choice: { type: "function", function: { name: "get.time of day" } },
    tools: [{
      type: "function",
      function: {
        name: "get.time of day",
        description: "Tells the time",
        parameters: { type: "object", properties: { place: { const: "Rome" } }, required: ["place"] },
        parse: JSON.parse,
        function: ({ place }: { place: string }) => {
          places.push(place);
          return `noon in ${place}`;
        },
      },
    }],
  });
  await runner.done();
  assert.deepEqual(places, ["Rome"]);
});

clientTest(
  "structured output is parsed, with models that have it and by a tool",
  async (client) => {
    const Person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });
    for (const model of ["claude", "nova"]) {
      const messages: Message[] = [{ role: "user", content: "Who is it?" }];
      const response_format = zodResponseFormat(Person, "person");
      const whole = await client.chat.completions.parse({ model, messages, response_format });
      const [choice] = whole.choices;
      assert.equal(choice?.finish_reason, "stop", model);
      assert.equal(choice.message.tool_calls, undefined, model);
      assert.ok(Person.safeParse(choice.message.parsed).success, model);

      const stream = client.chat.completions.stream({ model, messages, response_format });
      const streamed = (await stream.finalChatCompletion()).choices[0];
      assert.equal(streamed?.finish_reason, "stop", model);
      assert.deepEqual(streamed.message.parsed, choice.message.parsed, model);
    }
  },
);

clientTest("the stream helper reports content, calls and usage as they arrive", async (client) => {
  const seen: string[] = [];
  const note = (event: string) => () => void (seen.at(-1) === event || seen.push(event));
  const stream = client.chat.completions.stream({
    model: "claude",
    messages: [{ role: "user", content: 'get_weather {"place": "Rome"}' }],
    tools: TOOLS,
    stream_options: { include_usage: true },
  });
  stream.on("content.delta", note("content.delta"));
  stream.on("content.done", note("content.done"));
  stream.on("tool_calls.function.arguments.delta", note("arguments.delta"));
  stream.on("tool_calls.function.arguments.done", note("arguments.done"));
  const completion = await stream.finalChatCompletion();
  assert.deepEqual(seen, ["content.delta", "content.done", "arguments.delta", "arguments.done"]);
  assert.equal(completion.choices[0]?.finish_reason, "tool_calls");
  assert.equal(completion.model, "claude");
  const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = completion.usage ?? {};
  assert.ok(prompt_tokens > 0 && completion_tokens > 0);
  assert.equal(total_tokens, prompt_tokens + completion_tokens);
});

clientTest("images and files by data URL reach the model", async (client) => {
  const image = btoa(String.fromCharCode(...PNG));
  const { choices } = await client.chat.completions.create({
    model: "claude",
    messages: [{
      role: "user",
      content: [
        { type: "text", text: "See these" },
        { type: "image_url", image_url: { url: `data:image/jpeg;base64,${image}` } },
        {
          type: "file",
          file: { filename: "notes.txt", file_data: `data:text/plain;base64,${btoa("a note")}` },
        },
      ],
    }],
  });
  assert.match(choices[0]?.message.content ?? "", /sent one image, one document/);
});

/** Adit's additions to an assistant message, which the client keeps although they are not in its types. */
interface Reasoned extends AssistantMessage {
  readonly reasoning_content?: string;
  readonly thinking_blocks?: readonly { readonly type: string; readonly signature?: string }[];
}

const REDACTED = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING";

clientTest(
  "reasoning survives three turns: signed, redacted and with tools",
  async (client) => {
    const messages: Message[] = [];
    const kinds: string[][] = [];
    for (
      const content of ["Think of a number", `Think of another ${REDACTED}`, 'get_weather {"place": "Rome"}']
    ) {
      messages.push({ role: "user", content });
      const { choices } = await client.chat.completions.create({
        model: "claude",
        messages,
        tools: TOOLS,
        reasoning_effort: "low",
      });
      const message = choices[0]?.message as Reasoned;
      kinds.push((message.thinking_blocks ?? []).map(({ type }) => type));
      messages.push(message);
    }
    assert.deepEqual(kinds, [["thinking"], ["redacted_thinking"], ["thinking"]]);
    const calls = (messages.at(-1) as Reasoned).tool_calls ?? [];
    messages.push(...calls.map(({ id }): Message => ({ role: "tool", tool_call_id: id, content: "sun" })));
    const last = await client.chat.completions.create({ model: "claude", messages, tools: TOOLS });
    assert.match(last.choices[0]?.message.content ?? "", /get_weather: sun/);

    // The emulator checks signatures: without this, the loop above would prove nothing.
    const [, first] = messages as Reasoned[];
    const thinking_blocks = first?.thinking_blocks?.map((block) => ({
      ...block,
      thinking: "something else",
    }));
    await assert.rejects(
      client.chat.completions.create({
        model: "claude",
        messages: messages.with(1, { ...first, thinking_blocks } as Message),
        tools: TOOLS,
      }),
      OpenAI.BadRequestError,
    );
  },
);

clientTest("streamed reasoning is accepted back", async (client) => {
  const question: Message = { role: "user", content: "Think of a number" };
  const stream = await client.chat.completions.create({
    model: "claude",
    messages: [question],
    reasoning_effort: "high",
    stream: true,
  });
  const parts = { content: "", reasoning_content: "", thinking_blocks: [] as unknown[] };
  for await (const { choices } of stream) {
    const delta = choices[0]?.delta as Partial<typeof parts> | undefined;
    parts.content += delta?.content ?? "";
    parts.reasoning_content += delta?.reasoning_content ?? "";
    parts.thinking_blocks.push(...delta?.thinking_blocks ?? []);
  }
  assert.match(parts.reasoning_content, /The user wrote/);
  assert.equal(parts.thinking_blocks.length, 1);
  const messages = [question, { role: "assistant", ...parts } as Message, question];
  const { choices } = await client.chat.completions.create({
    model: "claude",
    messages,
    reasoning_effort: "high",
  });
  assert.equal(choices[0]?.finish_reason, "stop");
});

clientTest("every family is asked to reason in its own way", async (client) => {
  for (
    const [model, reasons] of [["claude", true], ["nova2", true], ["nova", false], ["llama", false]] as const
  ) {
    const { data, response } = await client.chat.completions.create({
      model,
      messages: [{ role: "user", content: "Think" }],
      reasoning_effort: "medium",
    }).withResponse();
    const message = data.choices[0]?.message as Reasoned;
    assert.equal(message.reasoning_content !== undefined, reasons, model);
    assert.equal(response.headers.get("x-adit-ignored"), reasons ? null : "reasoning_effort", model);
  }
});

clientTest("cached tokens are reported, and the sums are right", async (client) => {
  const marked = { type: "text" as const, text: "word ".repeat(2000), cache_control: { type: "ephemeral" } };
  const system: Message = { role: "system", content: [marked] };
  const ask = (stream: boolean) => ({
    model: "claude",
    messages: [system, { role: "user", content: "Hello" } satisfies Message],
    ...(stream && { stream_options: { include_usage: true } }),
  });
  const first = (await client.chat.completions.create(ask(false))).usage;
  const second = (await client.chat.completions.stream(ask(true)).finalChatCompletion()).usage;
  assert.equal(first?.prompt_tokens_details?.cached_tokens, 0);
  assert.ok((second?.prompt_tokens_details?.cached_tokens ?? 0) >= 2000);
  for (const usage of [first, second]) {
    assert.equal(usage?.prompt_tokens, first?.prompt_tokens);
    assert.equal(usage?.total_tokens, (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
  }
});

/** Bedrock's own members, which the client sends although they are not in its types. */
const EXTRAS = {
  guardrailConfig: { guardrailIdentifier: "gr1", guardrailVersion: "1", trace: "enabled" },
  performanceConfig: { latency: "optimized" },
  additionalModelResponseFieldPaths: ["/stop_sequence"],
  requestMetadata: { team: "search" },
};

clientTest("Bedrock's own members are sent and returned, whole and streamed", async (client) => {
  const body = {
    model: "claude",
    messages: [{ role: "user", content: "blocked-input" } satisfies Message],
    service_tier: "priority" as const,
    ...EXTRAS,
  };
  const whole = await client.chat.completions.create(body);
  const streamed = await client.chat.completions.stream(body).finalChatCompletion();
  for (const completion of [whole, streamed]) {
    assert.equal(completion.choices[0]?.finish_reason, "content_filter");
    assert.equal(completion.service_tier, "priority");
    const told = new Map<string, unknown>(Object.entries(completion));
    assert.match(JSON.stringify(told.get("trace")), /^\{"guardrail":.*blocked-input/);
    assert.deepEqual(told.get("performanceConfig"), EXTRAS.performanceConfig);
  }
});

type ErrorClass = abstract new (...args: never[]) => Error;

/** The error that the client throws for each fault of the emulator, and its code. */
const ERRORS: readonly (readonly [fault: string, type: ErrorClass, status: number, code: string])[] = [
  ["validation", OpenAI.BadRequestError, 400, "invalid_request_error"],
  ["access-denied", OpenAI.PermissionDeniedError, 403, "permission_denied"],
  ["not-found", OpenAI.NotFoundError, 404, "model_not_found"],
  ["throttling", OpenAI.RateLimitError, 429, "rate_limit_exceeded"],
  ["quota", OpenAI.RateLimitError, 429, "insufficient_quota"],
  ["expired-token", OpenAI.InternalServerError, 502, "upstream_credentials"],
  ["model-error", OpenAI.InternalServerError, 502, "model_error"],
  ["unavailable", OpenAI.InternalServerError, 503, "overloaded"],
  ["model-timeout", OpenAI.InternalServerError, 504, "timeout"],
];

const STREAM_ERRORS = [
  ["stream-throttling", "rate_limit_exceeded"],
  ["stream-internal", "upstream_error"],
  ["stream-model-error", "model_error"],
  ["cut", "stream_truncated"],
  ["end", "stream_truncated"],
  ["bad-crc", "upstream_protocol"],
] as const;

const FAULTY = Object.fromEntries(
  [...ERRORS, ...STREAM_ERRORS].map(([fault]) => [fault, `${HAIKU}.fault-${fault}`]),
);

clientTest(
  "errors before the response have the client's own classes, streaming or not",
  async (client, program) => {
    const messages: Message[] = [{ role: "user", content: "Hello" }];
    for (const [model, type, status, code] of ERRORS) {
      for (const stream of [false, true]) {
        await assert.rejects(client.chat.completions.create({ model, messages, stream }), (error) => {
          assert.ok(error instanceof type && error instanceof OpenAI.APIError, `${model}: ${error}`);
          assert.deepEqual([error.status, error.code], [status, code], model);
          return true;
        });
      }
    }
    await assert.rejects(
      client.chat.completions.create({ model: "unheard-of", messages }),
      OpenAI.NotFoundError,
    );
    await assert.rejects(
      clientOf(program, "wrong").chat.completions.create({ model: "claude", messages }),
      OpenAI.AuthenticationError,
    );
    await assert.rejects(
      client.chat.completions.create({ model: "claude", messages, n: 2 }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === "n",
    );
  },
  FAULTY,
);

clientTest("errors in a stream are thrown after the events before them", async (client) => {
  for (const [model, code] of STREAM_ERRORS) {
    const stream = await client.chat.completions.create({
      model,
      messages: [{ role: "user", content: "Hello" }],
      stream: true,
    });
    let chunks = 0;
    await assert.rejects(async () => {
      for await (const _ of stream) chunks++;
    }, (error) => {
      assert.ok(error instanceof OpenAI.APIError, `${model}: ${error}`);
      assert.equal(error.code, code, model);
      return true;
    });
    assert.ok(chunks > 0, model);
  }
}, FAULTY);
