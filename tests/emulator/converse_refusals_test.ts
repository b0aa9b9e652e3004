/** Refusals of Converse and ConverseStream, with their messages. */

import { ask, assertRefused, CLAUDE, LLAMA, NOVA, OLD_CLAUDE, type RefusedRequest } from "./harness.ts";

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

const REFUSED: Readonly<Record<string, RefusedRequest>> = {
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
  "a prefilled response for a model without prefill": {
    model: LLAMA,
    body: { messages: [user, assistant] },
    message: /prefill/,
  },
  "a prefilled response that ends with a space": {
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
  "two tools with the same name": {
    body: { messages: [user], toolConfig: { tools: [tool, tool] } },
    message: /clock/,
  },
  "the choice of an unknown tool": {
    body: { messages: [user], toolConfig: { tools: [tool], toolChoice: { tool: { name: "other" } } } },
    message: /other/,
  },
  "tools for a model without tools": {
    model: "mistral.mistral-7b-instruct-v0:2",
    body: { messages: [user], toolConfig },
    message: /^This model doesn't support tool use/,
  },
  "a system prompt for a model without one": {
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
  "a document without a text block": {
    body: { messages: [{ role: "user", content: [{ document }] }] },
    message: /^A text block is required/,
  },
  "more tokens than the model generates": {
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
  "temperature and topP for a model that accepts only one": {
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
  "a temperature with thinking": {
    body: thinking(2000, { inferenceConfig: { temperature: 0 } }),
    message: /`temperature` may only be set to 1 when thinking is enabled\.$/,
  },
  "a forced tool with thinking": {
    body: thinking(2000, { toolConfig: { tools: [tool], toolChoice: { any: {} } } }),
    message: /Thinking may not be enabled when tool_choice forces tool use\.$/,
  },
  "reasoning that the model never returned": {
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
  "redacted reasoning that the model never returned": {
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
  "an output schema that is not JSON": {
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
  "more than sixteen metadata pairs": {
    body: {
      messages: [user],
      requestMetadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`key${index}`, ""])),
    },
    message:
      "1 validation error detected: Value at 'requestMetadata' failed to satisfy constraint: Member must have " +
      "length less than or equal to 16",
  },
  "an unknown fault": {
    model: `${CLAUDE}.fault-nonsense`,
    body: { messages: [user] },
    message: /no fault "nonsense"/,
  },
};

for (const [what, refused] of Object.entries(REFUSED)) {
  Deno.test(`Converse refuses ${what}`, () => assertRefused(["converse", "converse-stream"], refused));
}
