/** Members that Converse refuses because the model does not support them, with the messages. */

import {
  type AcceptedRequest,
  ask,
  assertAccepted,
  assertRefused,
  LLAMA,
  NOVA,
  type RefusedRequest,
} from "./harness.ts";

const GPT_OSS = "openai.gpt-oss-120b-1:0";
const GPT = "us.openai.gpt-5.6-sol";
const QWEN = "qwen.qwen3-32b-v1:0";
const MISTRAL_7B = "mistral.mistral-7b-instruct-v0:2";
const R1 = "us.deepseek.r1-v1:0";

const messages = [ask("hi")];
const cachePoint = (ttl?: string) => ({
  cachePoint: { type: "default", ...(ttl === undefined ? {} : { ttl }) },
});

function toolConfig(spec: object = {}, more: object = {}): object {
  const toolSpec = { name: "clock", inputSchema: { json: { type: "object" } }, ...spec };
  return { tools: [{ toolSpec }], ...more };
}

function withSchema(json: unknown): object {
  return { messages, toolConfig: toolConfig({ inputSchema: { json } }) };
}

/** A conversation in which the assistant's turn begins with this block. */
function after(block: object): object {
  return { messages: [ask("hi"), { role: "assistant", content: [block, { text: "yes" }] }, ask("so?")] };
}

/** A conversation in which a tool result contains this. */
function withResult(...content: readonly object[]): object {
  return {
    messages: [
      ask("look"),
      { role: "assistant", content: [{ toolUse: { toolUseId: "t1", name: "clock", input: {} } }] },
      { role: "user", content: [{ toolResult: { toolUseId: "t1", content } }] },
    ],
    toolConfig: toolConfig(),
  };
}

const image = { image: { format: "png", source: { bytes: "AAAA" } } };
const signed = { reasoningContent: { reasoningText: { text: "hm", signature: "c2ln" } } };
const unsigned = { reasoningContent: { reasoningText: { text: "hm" } } };
const textFormat = {
  type: "json_schema",
  structure: {
    jsonSchema: { name: "n", schema: JSON.stringify({ type: "object", additionalProperties: false }) },
  },
};

const REFUSED: Readonly<Record<string, RefusedRequest>> = {
  "stop sequences, even none, for gpt-oss": {
    model: GPT_OSS,
    body: { messages, inferenceConfig: { stopSequences: [] } },
    message: "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
  },
  "stop sequences for Qwen": {
    model: QWEN,
    body: { messages, inferenceConfig: { stopSequences: ["\nObservation:"] } },
    message: "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
  },
  "a temperature for GPT-5.6": {
    model: GPT,
    body: { messages, inferenceConfig: { temperature: 0.5 } },
    message: "This model doesn't support the temperature field. Remove temperature and try again.",
  },
  "a system prompt for Mistral 7B": {
    model: MISTRAL_7B,
    body: { messages, system: [{ text: "be brief" }] },
    message:
      "This model doesn't support system messages. Try again without a system message or use a model that supports " +
      "system messages.",
  },
  "more tokens than Nova answers": {
    model: NOVA,
    body: { messages, inferenceConfig: { maxTokens: 10_001 } },
    message:
      "The maximum tokens you requested exceeds the model limit of 10000. Try again with a maximum tokens value that " +
      "is lower than 10000.",
  },
  "any tool for Llama": {
    model: LLAMA,
    body: { messages, toolConfig: toolConfig({}, { toolChoice: { any: {} } }) },
    message: /doesn't support (the toolConfig.toolChoice.any field|tool use in streaming mode)/,
  },
  "one tool by name for Mistral Large": {
    model: "mistral.mistral-large-2407-v1:0",
    body: { messages, toolConfig: toolConfig({}, { toolChoice: { tool: { name: "clock" } } }) },
    message:
      "This model doesn't support the toolConfig.toolChoice.tool field. Remove toolConfig.toolChoice.tool and try again.",
  },
  "strict tools for Nova": {
    model: NOVA,
    body: { messages, toolConfig: toolConfig({ strict: true }) },
    message: "This model doesn't support the strict field. Remove strict and try again.",
  },
  "a hyphen in the name of Nova's tool": {
    model: NOVA,
    body: { messages, toolConfig: toolConfig({ name: "get-weather" }) },
    message:
      "Model produced invalid sequence as part of ToolUse. Please refer to the model tool use troubleshooting guide.",
    status: 424,
  },
  "a schema for Nova's answer": {
    model: NOVA,
    body: { messages, outputConfig: { textFormat } },
    message:
      "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.",
  },
  "an effort for Nova": {
    model: NOVA,
    body: { messages, outputConfig: { effort: "low" } },
    message:
      "This model doesn't support the outputConfig.effort field. Remove outputConfig.effort and try again.",
  },
  "two tool choices at once": {
    body: {
      messages,
      toolConfig: toolConfig({}, { toolChoice: { any: {} } }),
      additionalModelRequestFields: { tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    },
    message:
      "The additional field tool_choice/type conflicts with the existing field toolConfig.toolChoice.any. Remove " +
      "tool_choice/type and try again.",
  },
  "a schema without a type": {
    body: withSchema({ oneOf: [{ type: "object" }] }),
    message:
      "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.",
  },
  "a schema of several types": {
    body: withSchema({ type: ["object", "null"] }),
    message:
      "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.",
  },
  "a schema that is null": {
    model: QWEN,
    body: withSchema(null),
    message:
      "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.",
  },
  "a list of required members that is null": {
    body: withSchema({ type: "object", required: null }),
    message:
      "The json schema definition at toolConfig.tools.0.toolSpec.inputSchema is invalid. Fix the following errors and " +
      "try again: $.required: null found, array expected",
  },
  "members in a list": {
    model: NOVA,
    body: withSchema({ type: "object", properties: [] }),
    message: /try again: \$\.properties: array found, object expected$/,
  },
  "a cache lifetime of one hour for Nova": {
    model: NOVA,
    body: { messages, system: [{ text: "s" }, cachePoint("1h")] },
    message: "Extended TTL prompt caching is only supported for Anthropic models",
  },
  "a cache point among Nova's tools": {
    model: NOVA,
    body: {
      messages,
      toolConfig: {
        tools: [{ toolSpec: { name: "clock", inputSchema: { json: { type: "object" } } } }, cachePoint()],
      },
    },
    message:
      "The model returned the following errors: Malformed input request: #/toolConfig/tools/1: extraneous key " +
      "[cachePoint] is not permitted, please reformat your input and try again.",
  },
  "a cache point for a model without a cache": {
    model: QWEN,
    body: { messages, system: [{ text: "s" }, cachePoint()] },
    message: /^You invoked an unsupported model or your request did not allow prompt caching/,
    status: 403,
  },
  "a cache point after a text file": {
    body: {
      messages: [{
        role: "user",
        content: [
          { text: "sum" },
          { document: { name: "a", format: "csv", source: { bytes: "AAAA" } } },
          cachePoint(),
        ],
      }],
    },
    message: "The model returned the following errors: messages.0.content.1.type: Field required",
  },
  "reasoning for Nova": {
    model: NOVA,
    body: after(unsigned),
    message:
      "User messages cannot contain reasoning content. Please remove the reasoning content and try again.",
  },
  "reasoning for Llama": {
    model: LLAMA,
    body: after(signed),
    message: /^User messages cannot contain reasoning content/,
  },
  "signed reasoning for gpt-oss": {
    model: GPT_OSS,
    body: after(signed),
    message: "This model doesn't support the reasoningContent.reasoningText.signature field. Remove " +
      "reasoningContent.reasoningText.signature and try again.",
  },
  "redacted reasoning for Qwen": {
    model: QWEN,
    body: after({ reasoningContent: { redactedContent: "AAAA" } }),
    message: /^This model doesn't support the reasoningContent.redactedContent field/,
  },
  "reasoning text for GPT-5.6": {
    model: GPT,
    body: after(unsigned),
    message: /^This model doesn't support the reasoningContent.reasoningText field/,
  },
  "an image in a result for GPT-5.6": {
    model: GPT,
    body: withResult(image),
    message: "This model doesn't support the image field for user messages. Remove image and try again.",
  },
  "an image in a result for a model that sees": {
    model: "qwen.qwen3-vl-235b-a22b",
    body: withResult({ text: "seen" }, image),
    message: "This model doesn't support the image field for user messages. Remove image and try again.",
  },
  "a search result for Nova": {
    model: NOVA,
    body: {
      messages: [{
        role: "user",
        content: [{ searchResult: { source: "s", title: "t", content: [{ text: "x" }] } }],
      }],
    },
    message: /^This model doesn't support the searchResult content block/,
  },
  "system text between turns for a model of another family": {
    model: QWEN,
    body: { messages: [ask("a"), { role: "system", content: [{ text: "b" }] }] },
    message:
      "1 validation error detected: Value 'system' at 'messages.2.member.role' failed to satisfy constraint: Member " +
      "must satisfy enum value set: [user, assistant]",
  },
  "system text between turns for Claude": {
    body: { messages: [ask("a"), { role: "system", content: [{ text: "b" }] }] },
    message:
      'The model returned the following errors: messages: Unexpected role "system". The Messages API accepts a ' +
      'top-level `system` parameter, not "system" as an input message role.',
  },
  "a tool reference of the user": {
    body: { messages: [{ role: "user", content: [{ toolAddition: { tool: { name: "clock" } } }] }] },
    message: /^The toolAddition block at messages.0.content.0 is not allowed/,
  },
  "a member of Anthropic's for gpt-oss": {
    model: GPT_OSS,
    body: { messages, additionalModelRequestFields: { thinking: { type: "adaptive" } } },
    message:
      /^The model returned the following errors: Failed to deserialize the JSON body into the target type: thinking: unknown field/,
  },
  "top_k for Llama": {
    model: LLAMA,
    body: { messages, additionalModelRequestFields: { top_k: 5 } },
    message: /^Malformed input request: #: extraneous key \[top_k\] is not permitted/,
  },
  "an unpaired surrogate": {
    model: NOVA,
    body: new TextEncoder().encode(
      String.raw`{"messages":[{"role":"user","content":[{"text":"a \ud83d b"}]}]}`,
    ),
    message: "The request body is not valid JSON: no low surrogate in string",
  },
  "a profile of another geography": {
    model: "eu.amazon.nova-lite-v1:0",
    body: { messages },
    message: "The provided model identifier is invalid.",
  },
  "an ARN of another region": {
    model: "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0",
    body: { messages },
    message: "The provided model identifier is invalid.",
  },
};

for (const [what, refused] of Object.entries(REFUSED)) {
  Deno.test(`Converse refuses ${what}`, () => assertRefused(["converse", "converse-stream"], refused));
}

for (const model of [LLAMA, "us.meta.llama4-maverick-17b-instruct-v1:0", R1]) {
  Deno.test(`tools in a stream are refused for ${model}`, () =>
    assertRefused(["converse-stream"], {
      model,
      body: { messages, toolConfig: toolConfig() },
      message: "This model doesn't support tool use in streaming mode.",
    }));
}

Deno.test("tools without a stream are only refused for R1", async () => {
  const body = { messages, toolConfig: toolConfig() };
  await assertRefused(["converse"], { model: R1, body, message: "This model doesn't support tool use." });
  await assertAccepted({ model: LLAMA, body });
});

/** Members that a similar model refuses. */
const ACCEPTED: Readonly<Record<string, AcceptedRequest>> = {
  "an image in Claude's result": { body: withResult(image) },
  "an image in Nova's result": { model: NOVA, body: withResult(image) },
  "an image in Llama 4's result": {
    model: "us.meta.llama4-maverick-17b-instruct-v1:0",
    body: withResult(image),
  },
  "thoughts without a signature for Qwen": { model: QWEN, body: after(unsigned) },
  "a forced call of gpt-oss": {
    model: GPT_OSS,
    body: { messages, toolConfig: toolConfig({}, { toolChoice: { any: {} } }) },
  },
  "one call at a time next to a tool choice": {
    body: {
      messages,
      toolConfig: toolConfig({}, { toolChoice: { any: {} } }),
      additionalModelRequestFields: { tool_choice: { disable_parallel_tool_use: true } },
    },
  },
  "five minutes in Nova's cache": {
    model: NOVA,
    body: { messages, system: [{ text: "s" }, cachePoint("5m")] },
  },
  "a hyphen in the name of Claude's tool": {
    body: { messages, toolConfig: toolConfig({ name: "get-weather" }) },
  },
  "a whole character": {
    model: NOVA,
    body: new TextEncoder().encode(
      String.raw`{"messages":[{"role":"user","content":[{"text":"\ud83d\ude00 \\ud83d"}]}]}`,
    ),
  },
  "a search result for Sonnet 4.5": {
    model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    body: {
      messages: [{
        role: "user",
        content: [{ searchResult: { source: "s", title: "t", content: [{ text: "x" }] } }],
      }],
    },
  },
};

for (const [what, taken] of Object.entries(ACCEPTED)) {
  Deno.test(`Converse accepts ${what}`, () => assertAccepted(taken));
}
