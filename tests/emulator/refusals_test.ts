import assert from "node:assert/strict";
import { ask, CLAUDE, LLAMA, messageOf, NOVA, OLD_CLAUDE, pathOf, postTo } from "./harness.ts";

const user = ask("hi");
const assistant = { role: "assistant", content: [{ text: "yes" }] };
const tool = { toolSpec: { name: "clock", inputSchema: { json: { type: "object" } } } };
const toolConfig = { tools: [tool] };
const call = { role: "assistant", content: [{ toolUse: { toolUseId: "t1", name: "clock", input: {} } }] };
const result = { role: "user", content: [{ toolResult: { toolUseId: "t1", content: [{ text: "noon" }] } }] };
const image = { image: { format: "png", source: { bytes: "AAAA" } } };
const document = { name: "a report (1)", format: "pdf", source: { bytes: "AAAA" } };
const cachePoint = { cachePoint: { type: "default" } };

function thinking(budget_tokens: number, more: object = {}): object {
  return {
    messages: [user],
    additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens } },
    ...more,
  };
}

interface Case {
  readonly model?: string;
  readonly body: unknown;
  readonly message: RegExp | string;
  readonly status?: number;
}

const CONVERSE: Readonly<Record<string, Case>> = {
  "an unknown model": {
    model: "anthropic.claude-9",
    body: { messages: [user] },
    message: "The provided model identifier is invalid.",
  },
  "a profile-only model by its bare id": {
    model: CLAUDE.replace("us.", ""),
    body: { messages: [user] },
    message:
      "Invocation of model ID anthropic.claude-haiku-4-5-20251001-v1:0 with on-demand throughput isn’t supported. " +
      "Retry your request with the ID or ARN of an inference profile that contains this model.",
  },
  "an unknown kind of ARN": {
    model: "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdef123456",
    body: { messages: [user] },
    message: /not found/,
    status: 404,
  },
  "an unknown field": {
    body: { messages: [user], tool_config: {} },
    message:
      "Malformed input request: #: extraneous key [tool_config] is not permitted, please reformat your input and " +
      "try again.",
  },
  "a misspelt member deep inside": {
    body: { messages: [user], toolConfig: { tools: [tool], tool_choice: { auto: {} } } },
    message: /^Malformed input request: #\/toolConfig: extraneous key \[tool_choice\]/,
  },
  "a tool choice that does not exist": {
    body: { messages: [user], toolConfig: { tools: [tool], toolChoice: { none: {} } } },
    message: /^Malformed input request: #\/toolConfig\/toolChoice: extraneous key \[none\]/,
  },
  "a tool choice that is a string": {
    body: { messages: [user], toolConfig: { tools: [tool], toolChoice: "auto" } },
    message: /^STRING_VALUE can not be converted to an object at toolConfig.toolChoice/,
  },
  "a block with two members": {
    body: { messages: [{ role: "user", content: [{ text: "a", ...image }] }] },
    message:
      /^The ContentBlock object at messages.0.content.0 must set exactly one of the following keys: text, image/,
  },
  "a block with none": {
    body: { messages: [{ role: "user", content: [{}] }] },
    message: /^The ContentBlock object at messages.0.content.0/,
  },
  "a wrong type": {
    body: { messages: [user], inferenceConfig: { maxTokens: "10" } },
    message: /^STRING_VALUE can not be converted to a number/,
  },
  "maxTokens and temperature out of range": {
    body: { messages: [user], inferenceConfig: { maxTokens: 0, temperature: 1.5 } },
    message:
      "2 validation errors detected: Value '0' at 'inferenceConfig.maxTokens' failed to satisfy constraint: " +
      "Member must have value greater than or equal to 1; Value '1.5' at 'inferenceConfig.temperature' failed to " +
      "satisfy constraint: Member must have value less than or equal to 1",
  },
  "an empty stop sequence": {
    body: { messages: [user], inferenceConfig: { stopSequences: [""] } },
    message:
      /'inferenceConfig.stopSequences.1.member' .* Member must have length greater than or equal to 1$/,
  },
  "too many stop sequences": {
    body: { messages: [user], inferenceConfig: { stopSequences: Array(2501).fill("x") } },
    message: /'inferenceConfig.stopSequences' .* Member must have length less than or equal to 2500$/,
  },
  "a role that does not exist": {
    body: { messages: [{ ...user, role: "developer" }] },
    message:
      /^1 validation error detected: Value 'developer' at 'messages.1.member.role' .*\[user, assistant, system\]$/,
  },
  "a tool name with a blank": {
    body: { messages: [user], toolConfig: { tools: [{ toolSpec: { ...tool.toolSpec, name: "a b" } }] } },
    message: /Member must satisfy regular expression pattern: \[a-zA-Z0-9_-\]\+$/,
  },
  "a tool without schema": {
    body: { messages: [user], toolConfig: { tools: [{ toolSpec: { name: "a" } }] } },
    message:
      /'toolConfig.tools.1.member.toolSpec.inputSchema' failed to satisfy constraint: Member must not be null$/,
  },
  "no message": { body: {}, message: /^A conversation must start with a user message\./ },
  "a first message of the assistant": {
    body: { messages: [assistant, user] },
    message:
      "A conversation must start with a user message. Try again with a conversation that starts with a user " +
      "message.",
  },
  "two messages of the user in a row": {
    body: { messages: [user, user] },
    message: /^A conversation must alternate between user and assistant roles\./,
  },
  "a prefilled answer where the model takes none": {
    model: LLAMA,
    body: { messages: [user, assistant] },
    message: /prefill/,
  },
  "a prefilled answer that ends with a blank": {
    body: { messages: [user, { role: "assistant", content: [{ text: "so " }] }] },
    message:
      /^The model returned the following errors: messages: final assistant content cannot end with trailing/,
  },
  "an empty message": {
    body: { messages: [{ role: "user", content: [] }] },
    message: /^The content field in the Message object at messages.0 is empty\./,
  },
  "a blank text": {
    body: { messages: [{ role: "user", content: [{ text: "a" }, { text: " \n" }] }] },
    message:
      "The text field in the ContentBlock object at messages.0.content.1 is blank. Add text to the text field, " +
      "and try again.",
  },
  "tool blocks without toolConfig": {
    body: { messages: [user, call, result] },
    message: "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
  },
  "a call without its result": {
    body: { messages: [user, call, user], toolConfig },
    message: "Expected toolResult blocks at messages.2.content for the following Ids: t1",
  },
  "a result without its call": {
    body: { messages: [user, assistant, result], toolConfig },
    message: /^The number of toolResult blocks at messages.2.content exceeds/,
  },
  "two tools of one name": {
    body: { messages: [user], toolConfig: { tools: [tool, tool] } },
    message: /clock/,
  },
  "the choice of a tool that is not there": {
    body: { messages: [user], toolConfig: { tools: [tool], toolChoice: { tool: { name: "other" } } } },
    message: /other/,
  },
  "tools on a model without": {
    model: "mistral.mistral-7b-instruct-v0:2",
    body: { messages: [user], toolConfig },
    message: "This model doesn't support tool use.",
  },
  "a system prompt on a model without": {
    model: "mistral.mistral-7b-instruct-v0:2",
    body: { messages: [user], system: [{ text: "a" }] },
    message: /^This model doesn't support system messages\./,
  },
  "an image on a model that reads text only": {
    model: LLAMA,
    body: { messages: [{ role: "user", content: [{ text: "a" }, image] }] },
    message:
      "This model doesn't support the image content block that you provided. Update the content block and try " +
      "again.",
  },
  "an image of the assistant": {
    body: { messages: [user, { role: "assistant", content: [image] }, user] },
    message: /image block at messages.1.content.0/,
  },
  "an object in S3 for a model that takes bytes": {
    body: {
      messages: [{
        role: "user",
        content: [{ image: { format: "png", source: { s3Location: { uri: "s3://abc/d" } } } }],
      }],
    },
    message: "This model doesn't support the s3Uri field. Remove s3Uri and try again.",
  },
  "a document name with a dot": {
    body: {
      messages: [{ role: "user", content: [{ text: "a" }, { document: { ...document, name: "a.pdf" } }] }],
    },
    message: /^The document file name can only contain alphanumeric characters/,
  },
  "a document without text beside it": {
    body: { messages: [{ role: "user", content: [{ document }] }] },
    message: /^A text block is required/,
  },
  "more tokens than the model gives": {
    model: OLD_CLAUDE,
    body: { messages: [user], inferenceConfig: { maxTokens: 5000 } },
    message:
      "The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value " +
      "that is lower than 4096.",
  },
  "a cache point on a model without a cache": {
    model: LLAMA,
    body: { messages: [{ role: "user", content: [{ text: "a" }, cachePoint] }] },
    message: /prompt caching/,
    status: 403,
  },
  "five cache points": {
    body: { messages: [{ role: "user", content: Array(5).fill([{ text: "a" }, cachePoint]).flat() }] },
    message: /^The model returned the following errors: A maximum of 4 blocks .* Found 5\.$/,
  },
  "both samplers on a model that takes one": {
    body: { messages: [user], inferenceConfig: { temperature: 0, topP: 1 } },
    message: /`temperature` and `top_p` cannot both be specified/,
  },
  "a field that Claude does not know": {
    body: { messages: [user], additionalModelRequestFields: { seed: 1 } },
    message: "The model returned the following errors: seed: Extra inputs are not permitted",
  },
  "a field that Nova does not know": {
    model: NOVA,
    body: { messages: [user], additionalModelRequestFields: { inferenceConfig: { top_k: 1 } } },
    message: /^Malformed input request: #\/inferenceConfig: extraneous key \[top_k\]/,
  },
  "an unknown beta flag": {
    body: { messages: [user], additionalModelRequestFields: { anthropic_beta: ["nonsense-2020-01-01"] } },
    message: "The model returned the following errors: invalid beta flag",
  },
  "a thinking budget that is too small": {
    body: thinking(1000),
    message: /greater than or equal to 1024$/,
  },
  "a thinking budget above maxTokens": {
    body: thinking(2000, { inferenceConfig: { maxTokens: 2000 } }),
    message: /`max_tokens` must be greater than `thinking.budget_tokens`/,
  },
  "a temperature beside thinking": {
    body: thinking(2000, { inferenceConfig: { temperature: 0 } }),
    message: /`temperature` may only be set to 1 when thinking is enabled\.$/,
  },
  "a forced tool beside thinking": {
    body: thinking(2000, { toolConfig: { tools: [tool], toolChoice: { any: {} } } }),
    message: /Thinking may not be enabled when tool_choice forces tool use\.$/,
  },
  "reasoning that the model never gave": {
    body: {
      messages: [
        user,
        {
          role: "assistant",
          content: [{ reasoningContent: { reasoningText: { text: "hm", signature: "AAAA" } } }, {
            text: "a",
          }],
        },
        user,
      ],
    },
    message:
      "The model returned the following errors: messages.1.content.0: Invalid `signature` in `thinking` block",
  },
  "redacted reasoning that the model never gave": {
    body: {
      messages: [
        user,
        { role: "assistant", content: [{ reasoningContent: { redactedContent: "AAAA" } }, { text: "a" }] },
        user,
      ],
    },
    message: /Invalid `data` in `redacted_thinking` block$/,
  },
  "a malformed pointer": {
    body: { messages: [user], additionalModelResponseFieldPaths: ["stop_sequence"] },
    message: /malformed: stop_sequence$/,
  },
  "an output schema that is no JSON": {
    body: {
      messages: [user],
      outputConfig: { textFormat: { type: "json_schema", structure: { jsonSchema: { schema: "{" } } } },
    },
    message: /^The schema in outputConfig/,
  },
  "a metadata key outside the alphabet": {
    body: { messages: [user], requestMetadata: { team: "sé" } },
    message: /requestMetadata.team/,
  },
  "an unknown fault": {
    model: `${CLAUDE}.fault-nonsense`,
    body: { messages: [user] },
    message: /no fault "nonsense"/,
  },
};

for (const [what, { model = CLAUDE, body, message, status = 400 }] of Object.entries(CONVERSE)) {
  Deno.test(`Converse refuses ${what}`, async () => {
    const post = postTo();
    for (const operation of ["converse", "converse-stream"]) {
      const response = await post(pathOf(model, operation), body);
      const text = await messageOf(response);
      assert.equal(response.status, status, text);
      if (typeof message === "string") assert.equal(text, message);
      else assert.match(text, message);
    }
  });
}

const base = {
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 100,
  messages: [{ role: "user", content: "hi" }],
};
const toolUse = { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "clock", input: {} }] };
const toolResult = { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "noon" }] };

/** A body whose one message holds these blocks. */
function withBlocks(...content: readonly object[]): object {
  return { ...base, messages: [{ role: "user", content }] };
}

function media(type: "document" | "image", media_type: string, data: string): object {
  return { type, source: { type: "base64", media_type, data } };
}

const thinkingBody = { ...base, max_tokens: 2000, thinking: { type: "enabled", budget_tokens: 1024 } };

const INVOKE: Readonly<Record<string, Case>> = {
  "no version": {
    body: { ...base, anthropic_version: undefined },
    message: "anthropic_version: Field required",
  },
  "no max_tokens": { body: { ...base, max_tokens: undefined }, message: "max_tokens: Field required" },
  "the members of Anthropic's own API": {
    body: { ...base, model: "x" },
    message: "model: Extra inputs are not permitted",
  },
  "a temperature out of range": {
    body: { ...base, temperature: 2 },
    message: "temperature: Input should be less than or equal to 1",
  },
  "a first message of the assistant": {
    body: { ...base, messages: [{ role: "assistant", content: "a" }] },
    message: 'messages: first message must use the "user" role',
  },
  "an empty text": {
    body: { ...base, messages: [{ role: "user", content: "" }] },
    message: "messages: text content blocks must be non-empty",
  },
  "a block of an unknown type": {
    body: { ...base, messages: [{ role: "user", content: [{ type: "toolResult" }] }] },
    message: /^messages.0.content/,
  },
  "an unknown member of a block": {
    body: { ...base, messages: [{ role: "user", content: [{ type: "text", text: "a", cachePoint: {} }] }] },
    message: /cachePoint: Extra inputs are not permitted$/,
  },
  "a call without its result": {
    body: { ...base, messages: [...base.messages, toolUse, { role: "user", content: "so?" }] },
    message: /^messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1\./,
  },
  "a result without its call": {
    body: { ...base, messages: [...base.messages, toolResult] },
    message: /^messages.1.content.0: unexpected `tool_use_id` found in `tool_result` blocks: t1\./,
  },
  "an unknown beta flag": {
    body: { ...base, anthropic_beta: ["files-api-2025-04-14"] },
    message: "invalid beta flag",
  },
  "a field that only a beta flag opens": {
    body: { ...base, context_management: { edits: [] }, anthropic_beta: ["effort-2025-11-24"] },
    message: "context_management: Extra inputs are not permitted",
  },
  "an image of another type than it says": {
    body: withBlocks(media("image", "image/png", "R0lGODlhAQABAAAAACw=")),
    message:
      "messages.0.content.0.image.source.base64: Image does not match the provided media type image/png",
  },
  "an image of a type that Claude does not see": {
    body: withBlocks(media("image", "image/bmp", "Qk0=")),
    message:
      /^messages.0.content.0.image.source.base64.media_type: Input should be 'image\/png', .* or 'image\/webp'$/,
  },
  "an image behind a URL": {
    body: withBlocks({ type: "image", source: { type: "url", url: "https://example.com/a.png" } }),
    message: /^messages.0.content.0.image.source: Input tag 'url' found/,
  },
  "a PDF that is none, in a tool's result": {
    body: {
      ...base,
      messages: [...base.messages, toolUse, {
        role: "user",
        content: [{
          type: "tool_result",
          tool_use_id: "t1",
          content: [media("document", "application/pdf", "AAAA")],
        }],
      }],
    },
    message:
      "messages.2.content.0.tool_result.content.0.document.source.base64.data: The PDF specified was not valid.",
  },
  "a tool loop that has lost its thoughts": {
    body: { ...thinkingBody, messages: [...base.messages, toolUse, toolResult] },
    message:
      /^messages\.1\.content\.0\.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`\./,
  },
  "a prompt that is too long": {
    body: { ...base, messages: [{ role: "user", content: "a ".repeat(200_000) }] },
    message: "prompt is too long: 200003 tokens > 200000 maximum",
  },
  "text that is no JSON": {
    body: new TextEncoder().encode("{"),
    message: "Malformed input request, please reformat your input and try again.",
  },
  "Nova: an unknown field": {
    model: NOVA,
    body: { messages: [user], max_tokens: 5 },
    message: /^Malformed input request: #: extraneous key \[max_tokens\] is not permitted/,
  },
  "Nova: no messages": { model: NOVA, body: {}, message: /required key \[messages\] not found/ },
  "Nova: topK out of range": {
    model: NOVA,
    body: { messages: [user], inferenceConfig: { topK: 500 } },
    message: /#\/inferenceConfig\/topK/,
  },
  "a family without a native body": {
    model: "openai.gpt-oss-20b-1:0",
    body: { messages: [] },
    message: /use Converse/,
  },
};

for (const [what, { model = CLAUDE, body, message }] of Object.entries(INVOKE)) {
  Deno.test(`InvokeModel refuses ${what}`, async () => {
    const post = postTo();
    for (const operation of ["invoke", "invoke-with-response-stream"]) {
      const response = await post(pathOf(model, operation), body);
      const text = await messageOf(response);
      assert.equal(response.status, 400, text);
      if (typeof message === "string") assert.equal(text, message);
      else assert.match(text, message);
    }
  });
}

Deno.test("InvokeModel takes a prompt of 200003 tokens with the flag for long ones", async () => {
  const body = {
    ...base,
    anthropic_beta: ["context-1m-2025-08-07"],
    messages: [{ role: "user", content: "a ".repeat(200_000) }],
  };
  const response = await postTo()(pathOf(CLAUDE, "invoke"), body);
  assert.equal(response.status, 200);
  assert.equal((await response.json()).usage.input_tokens, 200_003);
});

const GUARDRAIL_HEADERS: readonly [headers: Record<string, string>, body: object][] = [
  [{ "x-amzn-bedrock-guardrailidentifier": "abc" }, base],
  [{ "x-amzn-bedrock-guardrailversion": "1" }, base],
  [{}, { ...base, "amazon-bedrock-guardrailConfig": { tagSuffix: "x" } }],
];

for (const [headers, body] of GUARDRAIL_HEADERS) {
  Deno.test(`InvokeModel refuses half a guardrail: ${Object.keys(headers)[0] ?? "only a configuration"}`, async () => {
    const response = await postTo()(pathOf(CLAUDE, "invoke"), body, headers);
    assert.match(await messageOf(response), /guardrail/i);
    assert.equal(response.status, 400);
  });
}

const COUNT: readonly [model: string, message: string][] = [
  [CLAUDE, "The provided model identifier is invalid."],
  [NOVA, "The provided model doesn't support counting tokens."],
];

for (const [model, message] of COUNT) {
  Deno.test(`CountTokens refuses ${model}`, async () => {
    const response = await postTo()(pathOf(model, "count-tokens"), {
      input: { converse: { messages: [user] } },
    });
    assert.equal(response.status, 400);
    assert.equal(await messageOf(response), message);
  });
}

Deno.test("CountTokens refuses an input that is neither of the two", async () => {
  const post = postTo();
  for (const body of [{}, { input: {} }, { input: { converse: {}, invokeModel: { body: "" } } }]) {
    const response = await post(pathOf(CLAUDE.replace("us.", ""), "count-tokens"), body);
    assert.equal(response.status, 400);
    await response.body?.cancel();
  }
});
