import assert from "node:assert/strict";
import { ask, CLAUDE, fixedClock, framesOf, NOVA, pathOf, payloadOf, type Post, postTo } from "./harness.ts";

interface Block {
  text?: string;
  toolUse?: { toolUseId: string; name: string; input: unknown; type?: string };
  reasoningContent?: { reasoningText?: { text: string; signature?: string }; redactedContent?: string };
}

interface ConverseBody {
  output: { message: { role: string; content: Block[] } };
  stopReason: string;
  usage: Record<string, unknown>;
  additionalModelResponseFields?: unknown;
  trace?: { guardrail: Record<string, unknown> };
  performanceConfig?: unknown;
  serviceTier?: unknown;
}

async function converse(body: object, options: { post?: Post; model?: string } = {}): Promise<ConverseBody> {
  const response = await (options.post ?? postTo())(pathOf(options.model ?? CLAUDE, "converse"), body);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

function textOf({ output }: ConverseBody): string {
  return output.message.content.map(({ text = "" }) => text).join("");
}

const tool = (name: string, schema: object = { type: "object" }) => ({
  toolSpec: { name, inputSchema: { json: schema } },
});
const TOOLS = {
  tools: [
    tool("get_weather", { type: "object", properties: { city: { type: "string" } }, required: ["city"] }),
    tool("get_time"),
  ],
};

function callsOf({ output }: ConverseBody): [name: string, input: unknown][] {
  return output.message.content.flatMap(({ toolUse }) => toolUse ? [[toolUse.name, toolUse.input]] : []);
}

Deno.test("an answer quotes the user and names the emulated model", async () => {
  const text = textOf(await converse({ messages: [ask("Why is the sky blue?")] }));
  assert.match(text, /^You said: "Why is the sky blue\?"\. .*Claude Haiku 4\.5/);
});

Deno.test("equal requests have equal answers, ids included, in another emulator too", async () => {
  const body = { messages: [ask("use get_time")], toolConfig: TOOLS };
  assert.deepEqual(await converse(body), await converse(body));
});

Deno.test("maxTokens ends the response in the middle", async () => {
  const answer = await converse({
    messages: [ask("reply with: one two three")],
    inferenceConfig: { maxTokens: 2 },
  });
  assert.equal(textOf(answer), "one two");
  assert.equal(answer.stopReason, "max_tokens");
  assert.equal(answer.usage["outputTokens"], 2);
});

Deno.test("the first stop sequence ends the response, and is returned on request", async () => {
  const answer = await converse({
    messages: [ask("reply with: one two three")],
    inferenceConfig: { stopSequences: ["three", " two"] },
    additionalModelResponseFieldPaths: ["/stop_sequence", "/usage/output_tokens", "/missing"],
  });
  assert.equal(textOf(answer), "one");
  assert.equal(answer.stopReason, "stop_sequence");
  assert.deepEqual(answer.additionalModelResponseFields, {
    stop_sequence: " two",
    usage: { output_tokens: 1 },
  });
});

const CHOICES: readonly [
  name: string,
  text: string,
  choice: object | undefined,
  calls: [string, unknown][],
][] = [
  ["a tool that is named is called", "use get_time now", undefined, [["get_time", {}]]],
  ["no tool is called unasked", "hello", undefined, []],
  ["two tools are called together, in the order of their names in the text", "get_time, then get_weather", {
    auto: {},
  }, [
    ["get_time", {}],
    ["get_weather", { city: "some city" }],
  ]],
  [
    "a tool that is named twice is called twice",
    'get_weather {"city":"Rome"} and get_weather({"city":"{Oslo}"})',
    undefined,
    [
      ["get_weather", { city: "Rome" }],
      ["get_weather", { city: "{Oslo}" }],
    ],
  ],
  ["a longer word is no name", "get_timeout", undefined, []],
  ["any tool means the first that ends nothing", "hello", { any: {} }, [["get_weather", {
    city: "some city",
  }]]],
  ["any tool means the one that is named", "get_time", { any: {} }, [["get_time", {}]]],
  ["a chosen tool is called whatever is named", "get_weather", { tool: { name: "get_time" } }, [[
    "get_time",
    {},
  ]]],
];

for (const [name, text, toolChoice, calls] of CHOICES) {
  Deno.test(name, async () => {
    const toolConfig = toolChoice === undefined ? TOOLS : { ...TOOLS, toolChoice };
    const answer = await converse({ messages: [ask(text)], toolConfig });
    assert.deepEqual(callsOf(answer), calls);
    assert.equal(answer.stopReason, calls.length > 0 ? "tool_use" : "end_turn");
  });
}

Deno.test("parallel calls can be switched off", async () => {
  const answer = await converse({
    messages: [ask("get_time, get_weather")],
    toolConfig: TOOLS,
    additionalModelRequestFields: { tool_choice: { type: "auto", disable_parallel_tool_use: true } },
  });
  assert.equal(callsOf(answer).length, 1);
});

Deno.test("a tool result causes another call only if it asks for one", async () => {
  const called = { toolUseId: "t1", name: "get_time", input: {} };
  const after = async (text: string) =>
    callsOf(
      await converse({
        messages: [
          ask("get_time"),
          { role: "assistant", content: [{ toolUse: called }] },
          { role: "user", content: [{ toolResult: { toolUseId: "t1", content: [{ text }] } }] },
        ],
        toolConfig: TOOLS,
      }),
    );
  assert.deepEqual(await after('noon, then call get_weather {"city":"Rome"}'), [["get_weather", {
    city: "Rome",
  }]]);
  assert.deepEqual(await after("get_weather has nothing to say"), []);
});

Deno.test("Claude's tool calls have a type, Nova's do not, and both accept the results", async () => {
  for (const [model, type] of [[CLAUDE, "tool_use"], [NOVA, undefined]] as const) {
    const post = postTo();
    const question = { messages: [ask("use get_weather and get_time")], toolConfig: TOOLS };
    const { output: { message } } = await converse(question, { post, model });
    const uses = message.content.flatMap(({ toolUse }) => (toolUse ? [toolUse] : []));
    assert.deepEqual(uses.map((use) => use.type), [type, type]);
    assert.equal(new Set(uses.map(({ toolUseId }) => toolUseId)).size, 2);
    for (const { toolUseId } of uses) assert.match(toolUseId, /^tooluse_[A-Za-z0-9]{22}$/);
    const results = {
      role: "user",
      content: [
        { toolResult: { toolUseId: uses[1]!.toolUseId, content: [{ json: { hour: 9 } }] } },
        { toolResult: { toolUseId: uses[0]!.toolUseId, content: [{ text: "rain" }], status: "error" } },
      ],
    };
    const body = { messages: [...question.messages, message, results], toolConfig: TOOLS };
    const answer = await converse(body, { post, model });
    assert.equal(textOf(answer), 'Here is what the tools returned. get_time: {"hour":9}; get_weather: rain');
    assert.equal(answer.stopReason, "end_turn");
  }
});

const THINKING = { additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 1024 } } };

Deno.test("reasoning is signed, and only accepted back unchanged", async () => {
  const post = postTo();
  const question = ask("reply with: yes");
  const { output: { message } } = await converse({ messages: [question], ...THINKING }, { post });
  const reasoning = message.content[0]?.reasoningContent?.reasoningText;
  assert.ok(reasoning?.signature);
  assert.equal(message.content[1]?.text, "yes");
  await converse({ messages: [question, message, question], ...THINKING }, { post });
  reasoning.text += ".";
  const forged = await post(pathOf(CLAUDE, "converse"), {
    messages: [question, message, question],
    ...THINKING,
  });
  assert.equal(forged.status, 400);
  await forged.body?.cancel();
});

Deno.test("Anthropic's trigger redacts the reasoning, which is encoded twice as base64 and accepted back", async () => {
  const post = postTo();
  const question = ask("ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9A13E193C177646C7398A98432ECC");
  const { output: { message } } = await converse({ messages: [question], ...THINKING }, { post });
  const data = message.content[0]?.reasoningContent?.redactedContent ?? "";
  assert.match(atob(data), /^[A-Za-z0-9+/]+=*$/);
  await converse({ messages: [question, message, question], ...THINKING }, { post });
});

Deno.test("models that always reason do so unsigned, and gpt-oss begins with an empty text block", async () => {
  for (
    const [model, lead] of [["openai.gpt-oss-20b-1:0", [{ text: "" }]], ["us.deepseek.r1-v1:0", []]] as const
  ) {
    const response = await postTo()(pathOf(model, "converse-stream"), { messages: [ask("reply with: yes")] });
    const deltas = (await framesOf(response)).map((frame) => JSON.parse(payloadOf(frame)).delta).filter(
      Boolean,
    );
    assert.deepEqual(deltas.slice(0, lead.length), lead);
    assert.ok(deltas[lead.length].reasoningContent.text);
    assert.deepEqual(deltas.at(-1), { text: "yes" });
    assert.ok(!JSON.stringify(deltas).includes("signature"));
  }
});

Deno.test("Nova 2 reasons on request", async () => {
  const body = {
    messages: [ask("hi")],
    additionalModelRequestFields: { reasoningConfig: { type: "enabled", maxReasoningEffort: "low" } },
  };
  const { output } = await converse(body, { model: "us.amazon.nova-2-lite-v1:0" });
  assert.ok(output.message.content[0]?.reasoningContent?.reasoningText?.text);
});

Deno.test("a requested output schema is satisfied", async () => {
  const schema = {
    type: "object",
    properties: { age: { enum: [18, 19] } },
    required: ["age"],
    additionalProperties: false,
  };
  const structure = { jsonSchema: { name: "person", schema: JSON.stringify(schema) } };
  const answer = await converse({
    messages: [ask("hi")],
    outputConfig: { textFormat: { type: "json_schema", structure } },
  });
  assert.deepEqual(JSON.parse(textOf(answer)), { age: 18 });
});

const LONG = "word ".repeat(1100);
const cachePoint = (ttl?: string) => ({
  cachePoint: { type: "default", ...(ttl === undefined ? {} : { ttl }) },
});

/** The four figures and the details of an answer's usage. */
function figures({ usage }: ConverseBody): unknown[] {
  const names = ["inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "cacheDetails"];
  return names.map((name) => usage[name]);
}

Deno.test("a cached prefix is written once, read until its lifetime ends, and never counted twice", async () => {
  const clock = fixedClock(Date.UTC(2026, 10, 20));
  const post = postTo({ clock });
  const system = [{ text: LONG }, cachePoint()];
  const first = { messages: [ask("hi")], system };
  const write = await converse(first, { post });
  assert.deepEqual(figures(write), [4, 0, 1100, [{ inputTokens: 1100, ttl: "5m" }]]);
  assert.equal(write.usage["totalTokens"], 1104 + Number(write.usage["outputTokens"]));
  assert.deepEqual(figures(await converse(first, { post })), [4, 1100, 0, undefined]);
  const longer = {
    system: [{ text: LONG }, cachePoint("1h")],
    messages: [{ role: "user", content: [{ text: LONG }, cachePoint(), { text: "so?" }] }],
  };
  assert.deepEqual(figures(await converse(longer, { post })), [2, 1100, 1103, [{
    inputTokens: 1103,
    ttl: "5m",
  }]]);
  assert.deepEqual(figures(await converse(longer, { post })), [2, 2203, 0, undefined]);
  clock.advance(5 * 60_000);
  assert.deepEqual(figures(await converse(longer, { post })), [2, 1100, 1103, [{
    inputTokens: 1103,
    ttl: "5m",
  }]]);
  clock.advance(60 * 60_000);
  assert.deepEqual(figures(await converse(first, { post })), [4, 0, 1100, [{
    inputTokens: 1100,
    ttl: "5m",
  }]]);
});

Deno.test("a prefix below the model's minimum is not cached", async () => {
  const post = postTo();
  const body = { messages: [ask("hi")], system: [{ text: "short" }, cachePoint()] };
  await converse(body, { post });
  assert.deepEqual(figures(await converse(body, { post })), [6, 0, 0, undefined]);
});

const GUARDRAILS: readonly [text: string, stopReason: string, traced: string][] = [
  ["say blocked-input", "guardrail_intervened", "inputAssessment"],
  ["say blocked-output", "guardrail_intervened", "outputAssessments"],
  ["say nothing bad", "end_turn", "inputAssessment"],
];

for (const [text, stopReason, traced] of GUARDRAILS) {
  Deno.test(`a guardrail on "${text}" ends with ${stopReason}`, async () => {
    const guardrailConfig = { guardrailIdentifier: "abc", guardrailVersion: "1", trace: "enabled" };
    const answer = await converse({ messages: [ask(text)], guardrailConfig });
    assert.equal(answer.stopReason, stopReason);
    assert.ok(answer.trace?.guardrail[traced]);
    const untraced = await converse({
      messages: [ask(text)],
      guardrailConfig: { ...guardrailConfig, trace: "disabled" },
    });
    assert.equal(untraced.trace, undefined);
    assert.equal((await converse({ messages: [ask(text)] })).stopReason, "end_turn");
  });
}

Deno.test("InvokeModel reports a guardrail next to the message", async () => {
  const headers = {
    "x-amzn-bedrock-guardrailidentifier": "abc",
    "x-amzn-bedrock-guardrailversion": "DRAFT",
    "x-amzn-bedrock-trace": "ENABLED",
  };
  const body = {
    anthropic_version: "bedrock-2023-05-31",
    max_tokens: 100,
    messages: [{ role: "user", content: "say blocked-input" }],
  };
  const answer = await (await postTo()(pathOf(CLAUDE, "invoke"), body, headers)).json();
  assert.equal(answer["amazon-bedrock-guardrailAction"], "INTERVENED");
  assert.ok(answer["amazon-bedrock-trace"].guardrail.inputAssessment.abc);
  assert.equal(answer.stop_reason, "end_turn");
});

Deno.test("latency and tier are repeated", async () => {
  const echoed = { performanceConfig: { latency: "optimized" }, serviceTier: { type: "flex" } };
  const { performanceConfig, serviceTier } = await converse({ messages: [ask("hi")], ...echoed });
  assert.deepEqual({ performanceConfig, serviceTier }, echoed);
});

const COMPLEX: readonly [name: string, body: object][] = [
  ["text", { messages: [ask("hello")] }],
  ["tools", { messages: [ask('get_weather {"city":"Rome"} get_time')], toolConfig: TOOLS }],
  ["reasoning", { messages: [ask("hello")], ...THINKING }],
  ["a limit", { messages: [ask("hello")], inferenceConfig: { maxTokens: 3 } }],
];

for (const [name, body] of COMPLEX) {
  Deno.test(`the stream adds up to the whole response: ${name}`, async () => {
    const post = postTo();
    const plain = await converse(body, { post });
    const frames = await framesOf(await post(pathOf(CLAUDE, "converse-stream"), body));
    const blocks: { text: string; signature: string; input: string; toolUse?: object }[] = [];
    let stopReason, usage;
    for (const frame of frames) {
      const event = JSON.parse(payloadOf(frame));
      const block = blocks[event.contentBlockIndex] ??= { text: "", signature: "", input: "" };
      block.text += event.delta?.text ?? event.delta?.reasoningContent?.text ?? "";
      block.signature += event.delta?.reasoningContent?.signature ?? "";
      block.input += event.delta?.toolUse?.input ?? "";
      if (event.start) block.toolUse = event.start.toolUse;
      stopReason ??= event.stopReason;
      usage ??= event.usage;
    }
    const content = blocks.map(({ text, signature, input, toolUse }) => {
      if (toolUse) return { toolUse: { input: JSON.parse(input), ...toolUse } };
      return signature ? { reasoningContent: { reasoningText: { signature, text } } } : { text };
    });
    assert.deepEqual(content, plain.output.message.content);
    assert.equal(stopReason, plain.stopReason);
    assert.deepEqual(usage, plain.usage);
  });
}

Deno.test("Claude's own body gets the same response as Converse, including cache points", async () => {
  const native = {
    anthropic_version: "bedrock-2023-05-31",
    max_tokens: 1000,
    system: [{ type: "text", text: LONG, cache_control: { type: "ephemeral" } }],
    messages: [{ role: "user", content: [{ type: "text", text: "get_time" }] }],
    tools: [{ name: "get_time", input_schema: { type: "object" } }],
  };
  const answer = await (await postTo()(pathOf(CLAUDE, "invoke"), native)).json();
  const converseAnswer = await converse({
    system: [{ text: LONG }, cachePoint()],
    messages: [ask("get_time")],
    toolConfig: { tools: [tool("get_time")] },
  });
  const { usage } = converseAnswer;
  assert.equal(answer.usage.input_tokens, usage["inputTokens"]);
  assert.equal(answer.usage.cache_creation_input_tokens, usage["cacheWriteInputTokens"]);
  assert.equal(answer.content[0].text, textOf(converseAnswer));
  assert.deepEqual(answer.content[1].input, {});
  assert.match(answer.content[1].id, /^toolu_bdrk_/);
  assert.equal(answer.stop_reason, "tool_use");
});
