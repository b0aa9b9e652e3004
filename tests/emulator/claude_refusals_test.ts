/** Refusals of Claude's provider by model, in its own body and in Converse's. */

import {
  type AcceptedRequest,
  ask,
  assertAccepted,
  assertRefused,
  CLAUDE,
  NEW_CLAUDE,
  OLD_CLAUDE,
  type RefusedRequest,
} from "./harness.ts";

const OPUS_5 = "us.anthropic.claude-opus-5";
const OPUS_5_5 = "us.anthropic.claude-opus-5-5";
const FABLE = "us.anthropic.claude-fable-5";
const SONNET_5 = "us.anthropic.claude-sonnet-5";
const SONNET_4 = "us.anthropic.claude-sonnet-4-20250514-v1:0";
const SONNET_4_5 = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OPUS_4_5 = "us.anthropic.claude-opus-4-5-20251101-v1:0";
const OPUS_4_7 = "us.anthropic.claude-opus-4-7";

const messages = [{ role: "user", content: "hi" }];
const tools = [{ name: "clock", input_schema: { type: "object" } }];
const adaptive = { thinking: { type: "adaptive" } };
const budget = { max_tokens: 4000, thinking: { type: "enabled", budget_tokens: 1024 } };

function native(more: object): object {
  return { anthropic_version: "bedrock-2023-05-31", max_tokens: 100, messages, ...more };
}

/** The members of Claude's own body in a Converse request. */
function converse({ tools, tool_choice, max_tokens, stop_sequences, top_p, ...extras }: {
  readonly tools?: readonly { name: string; input_schema: object; strict?: boolean }[];
  readonly tool_choice?: { readonly type: string; readonly name?: string };
  readonly max_tokens?: number;
  readonly stop_sequences?: readonly string[];
  readonly top_p?: number;
}): object {
  return {
    messages: [ask("hi")],
    inferenceConfig: { maxTokens: max_tokens, stopSequences: stop_sequences, topP: top_p },
    ...(tools === undefined ? {} : {
      toolConfig: {
        tools: tools.map(({ name, input_schema: json, strict }) => ({
          toolSpec: { name, inputSchema: { json }, strict },
        })),
        ...(tool_choice === undefined
          ? {}
          : { toolChoice: { [tool_choice.type]: tool_choice.name ? { name: tool_choice.name } : {} } }),
      },
    }),
    additionalModelRequestFields: extras,
  };
}

interface RefusedMembers {
  readonly model?: string;
  /** Members of Claude's own body. */
  readonly members: Parameters<typeof converse>[0] & Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Refused in Claude's own body and in Converse's. */
const REFUSED: Readonly<Record<string, RefusedMembers>> = {
  "thinking by budget on Opus 4.8": {
    model: NEW_CLAUDE,
    members: budget,
    message: '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and ' +
      '"output_config.effort" to control thinking behavior.',
  },
  "adaptive thinking on Haiku 4.5": {
    members: adaptive,
    message: "adaptive thinking is not supported on this model",
  },
  "thinking switched off on Fable": {
    model: FABLE,
    members: { thinking: { type: "disabled" } },
    message: '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive" and ' +
      '"output_config.effort" to control thinking behavior.',
  },
  "thinking between tools on Opus 5": {
    model: OPUS_5,
    members: { thinking: { type: "between_tools" } },
    message:
      '"thinking.type.between_tools" is not supported for this model. Use "thinking.type.adaptive" and ' +
      '"output_config.effort" to control thinking behavior.',
  },
  "thinking on Claude 3": {
    model: OLD_CLAUDE,
    members: budget,
    message: "thinking: Extra inputs are not permitted",
  },
  "an effort on Haiku 4.5": {
    members: { output_config: { effort: "high" } },
    message: "This model does not support the effort parameter.",
  },
  "an effort that 4.6 lacks": {
    model: "us.anthropic.claude-opus-4-6-v1",
    members: { output_config: { effort: "xhigh" } },
    message: "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.",
  },
  "an unknown effort": {
    model: OPUS_5,
    members: { output_config: { effort: "enormous" } },
    message: "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
  },
  "a high effort without thinking": {
    model: OPUS_5,
    members: { thinking: { type: "disabled" }, output_config: { effort: "xhigh" } },
    message:
      "output_config.effort 'xhigh' is not supported when thinking is disabled on this model. Use effort 'high' or " +
      "below, or enable thinking.",
  },
  "a budget for a whole task": {
    model: NEW_CLAUDE,
    members: { output_config: { effort: "high", task_budget: { type: "tokens", total: 50_000 } } },
    message: "output_config.task_budget: Extra inputs are not permitted",
  },
  "a forced call on Opus 5.5": {
    model: OPUS_5_5,
    members: { tools, tool_choice: { type: "any" } },
    message: 'tool_choice: type "tool" and "any" are not supported for this model.',
  },
  "one forced tool on Opus 5.5": {
    model: OPUS_5_5,
    members: { tools, tool_choice: { type: "tool", name: "clock" } },
    message: 'tool_choice: type "tool" and "any" are not supported for this model.',
  },
  "a forced call while Opus 4.7 thinks": {
    model: OPUS_4_7,
    members: { tools, tool_choice: { type: "any" }, ...adaptive },
    message: "Thinking may not be enabled when tool_choice forces tool use.",
  },
  "a narrow top_p while it thinks": {
    model: SONNET_4_5,
    members: { ...budget, top_p: 0.5 },
    message: "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
  },
  "a stop sequence of white space": {
    members: { stop_sequences: ["\n"] },
    message: "stop_sequences: each stop sequence must contain non-whitespace",
  },
  "strict tools on Opus 4.8, even if strict is false": {
    model: NEW_CLAUDE,
    members: { tools: [{ name: "clock", input_schema: { type: "object" }, strict: false }] },
    message: "tools.0.custom.strict: Extra inputs are not permitted",
  },
  "a format on Opus 4.8": {
    model: NEW_CLAUDE,
    members: {
      output_config: {
        format: { type: "json_schema", schema: { type: "object", additionalProperties: false } },
      },
    },
    message: "output_config.format: Extra inputs are not permitted",
  },
  "alternatives at the root of a schema": {
    members: { tools: [{ name: "clock", input_schema: { type: "object", anyOf: [{}] } }] },
    message:
      "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
  },
  "invalid member names": {
    members: { tools: [{ name: "clock", input_schema: { type: "object", properties: { "a b": {} } } }] },
    message:
      "tools.0.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'",
  },
  "editing of the context without its flag": {
    members: { context_management: { edits: [] } },
    message: "context_management: Extra inputs are not permitted",
  },
};

for (const [what, { model = CLAUDE, members, message }] of Object.entries(REFUSED)) {
  Deno.test(`Claude refuses ${what}`, async () => {
    await assertRefused(["invoke", "invoke-with-response-stream"], { model, body: native(members), message });
    await assertRefused(["converse", "converse-stream"], {
      model,
      body: converse(members),
      message: `The model returned the following errors: ${message}`,
    });
  });
}

const call = (id: string) => ({
  role: "assistant",
  content: [{ type: "tool_use", id, name: "clock", input: {} }],
});
const result = (...ids: readonly string[]) => ({
  role: "user",
  content: ids.map((id) => ({ type: "tool_result", tool_use_id: id, content: "noon" })),
});
const system = (content: unknown) => ({ role: "system", content });
const cached = (cache_control: object) => [{ type: "text", text: "s", cache_control }];

/** Refused in Claude's own body. */
const REFUSED_NATIVE: Readonly<Record<string, RefusedRequest>> = {
  "more tokens than the model answers": {
    body: native({ max_tokens: 64_001 }),
    message:
      "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5-20251001",
  },
  "a tool that runs at Anthropic, whatever the flag": {
    body: native({
      anthropic_beta: ["web-search-2025-03-05"],
      tools: [...tools, { type: "web_search_20250305", name: "web_search" }],
    }),
    message:
      "tools.1: Input tag 'web_search_20250305' found using 'type' does not match any of the expected tags: " +
      "'bash_20250124', 'custom', 'text_editor_20250124', 'text_editor_20250429', 'text_editor_20250728'",
  },
  "a search for tools without its flag": {
    body: native({ tools: [{ type: "tool_search_tool_regex_20251119", name: "tool_search_tool_regex" }] }),
    message: /^tools.0: Input tag 'tool_search_tool_regex_20251119' found using 'type'/,
  },
  "a computer without its flag": {
    body: native({ tools: [{ type: "computer_20250124", name: "computer" }] }),
    message: /^tools.0: Input tag 'computer_20250124'/,
  },
  "a deferred tool without its flag": {
    body: native({ tools: [...tools, { ...tools[0], name: "b", defer_loading: true }] }),
    message: "tools.1.custom.defer_loading: Extra inputs are not permitted",
  },
  "examples of a tool's input without their flag": {
    body: native({ tools: [{ ...tools[0], input_examples: [{}] }] }),
    message: "tools.0.custom.input_examples: Extra inputs are not permitted",
  },
  "eager streaming of a tool's input, even with its flag": {
    body: native({
      anthropic_beta: ["fine-grained-tool-streaming-2025-05-14"],
      tools: [{ ...tools[0], eager_input_streaming: true }],
    }),
    message: "tools.0.custom.eager_input_streaming: Extra inputs are not permitted",
  },
  "a tool without a schema": {
    body: native({ tools: [{ name: "clock" }] }),
    message: "tools.0.custom.input_schema: Field required",
  },
  "a schema without a type": {
    body: native({ tools: [{ name: "clock", input_schema: {} }] }),
    message: "tools.0.custom.input_schema.type: Field required",
  },
  "a tool reference without its flag": {
    body: native({
      tools,
      messages: [...messages, call("a"), {
        role: "user",
        content: [{
          type: "tool_result",
          tool_use_id: "a",
          content: [{ type: "tool_reference", tool_name: "clock" }],
        }],
      }],
    }),
    message: /^messages.2.content.0.tool_result.content.0: Input tag 'tool_reference' found/,
  },
  "the scope of a cached block": {
    body: native({ system: cached({ type: "ephemeral", scope: "global" }) }),
    message: "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted",
  },
  "the lifetime of a cached block on Sonnet 4": {
    model: SONNET_4,
    body: native({ system: cached({ type: "ephemeral", ttl: "5m" }) }),
    message: "system.0.cache_control.ephemeral.ttl: Extra inputs are not permitted",
  },
  "an hour after five minutes": {
    body: native({
      system: cached({ type: "ephemeral" }),
      messages: [{ role: "user", content: cached({ type: "ephemeral", ttl: "1h" }) }],
    }),
    message: /^messages.0.content.0.cache_control.ttl: a ttl='1h' cache_control block must not come after/,
  },
  "a repeated tool call id": {
    body: native({ tools, messages: [...messages, call("a"), result("a"), call("a"), result("a")] }),
    message: "messages.3.content.0: `tool_use` ids must be unique",
  },
  "a repeated tool result": {
    body: native({ tools, messages: [...messages, call("a"), result("a", "a")] }),
    message:
      "messages.2.content: each tool_use must have a single result. Found multiple `tool_result` blocks with id: a",
  },
  "a message of blanks": {
    body: native({ messages: [{ role: "user", content: "  " }] }),
    message: "messages: text content blocks must contain non-whitespace text",
  },
  "a choice without tools": {
    body: native({ tool_choice: { type: "auto" } }),
    message: "tool_choice: tool_choice may only be specified while providing tools",
  },
  "a choice of an unknown tool": {
    body: native({ tools, tool_choice: { type: "tool", name: "calendar" } }),
    message: "Tool 'calendar' not found in provided tools",
  },
  "a prefill on Opus 4.8": {
    model: NEW_CLAUDE,
    body: native({ messages: [...messages, { role: "assistant", content: "Well" }] }),
    message:
      "This model does not support assistant message prefill. The conversation must end with a user message.",
  },
  "system text between turns on Haiku 4.5": {
    body: native({ messages: [...messages, system("now in French")] }),
    message:
      'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an ' +
      "input message role.",
  },
  "system text between turns on Sonnet 5": {
    model: SONNET_5,
    body: native({ messages: [...messages, system("now in French")] }),
    message: "role 'system' is not supported on this model",
  },
  "system text as the first message": {
    model: NEW_CLAUDE,
    body: native({ messages: [system("in French"), ...messages] }),
    message: /^messages.0: use the top-level 'system' parameter/,
  },
  "system text after the assistant's": {
    model: NEW_CLAUDE,
    body: native({ messages: [...messages, { role: "assistant", content: "yes" }, system("in French")] }),
    message: "messages.2: a 'system' message must follow a 'user' message",
  },
  "system text before the user's": {
    model: NEW_CLAUDE,
    body: native({ messages: [...messages, system("in French"), ...messages] }),
    message:
      "messages.1: a 'system' message must be the last message or be followed by an 'assistant' message",
  },
  "an image as system text": {
    model: NEW_CLAUDE,
    body: native({
      messages: [
        ...messages,
        system([{
          type: "image",
          source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" },
        }]),
      ],
    }),
    message: "messages.1.content: a 'system' message may only contain text",
  },
};

for (const [what, refused] of Object.entries(REFUSED_NATIVE)) {
  Deno.test(`Claude's own body may not have ${what}`, () => assertRefused(["invoke"], refused));
}

const ACCEPTED: Readonly<Record<string, AcceptedRequest>> = {
  "system text between turns on Opus 4.8": {
    model: NEW_CLAUDE,
    body: native({ messages: [...messages, system("now in French")] }),
  },
  "a forced call while Opus 4.8 thinks": {
    model: NEW_CLAUDE,
    body: native({ tools, tool_choice: { type: "any" }, ...adaptive }),
  },
  "an effort on Opus 4.5": { model: OPUS_4_5, body: native({ output_config: { effort: "low" } }) },
  "a high effort of Opus 5, which thinks by itself": {
    model: OPUS_5,
    body: native({ output_config: { effort: "max" } }),
  },
  "the flag of eager streaming": {
    body: native({ tools, anthropic_beta: ["fine-grained-tool-streaming-2025-05-14"] }),
  },
  "a search for tools with its flag": {
    body: native({
      anthropic_beta: ["tool-search-tool-2025-10-19"],
      tools: [
        { type: "tool_search_tool_regex_20251119", name: "tool_search_tool_regex" },
        { ...tools[0], defer_loading: true },
      ],
    }),
  },
  "a shell and an editor": {
    body: native({
      tools: [{ type: "bash_20250124", name: "bash" }, {
        type: "text_editor_20250728",
        name: "str_replace_based_edit_tool",
        max_characters: 100,
      }],
    }),
  },
  "an hour before five minutes": {
    body: native({
      system: cached({ type: "ephemeral", ttl: "1h" }),
      messages: [{ role: "user", content: cached({ type: "ephemeral" }) }],
    }),
  },
};

for (const [what, taken] of Object.entries(ACCEPTED)) {
  Deno.test(`Claude's own body may have ${what}`, () => assertAccepted({ operation: "invoke", ...taken }));
}
