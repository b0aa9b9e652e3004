/** The native body of models with OpenAI's Chat Completions: request, response and stream. */

import { z } from "zod";
import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { type ConverseRequest, parseConverseRequest } from "../converse/request.ts";
import type { Answer, AnswerBlock, StopReason } from "../model/answer.ts";
import type { Model } from "../model/catalog.ts";
import { tokenize } from "../model/tokens.ts";
import { ModelRefusal } from "../server/exception.ts";
import type { NativeBody } from "./native_body.ts";

const text = z.union([
  z.string(),
  z.array(z.strictObject({ type: z.literal("text"), text: z.string() })),
]).nullish();
const parts = z.union([
  z.string(),
  z.array(z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("text"), text: z.string() }),
    z.strictObject({
      type: z.literal("image_url"),
      image_url: z.looseObject({ url: z.string().regex(/^data:image\/(png|jpeg|gif|webp);base64,/) }),
    }),
  ])),
]);
const name = z.string().optional();
const toolCall = z.strictObject({
  id: z.string(),
  type: z.literal("function"),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});
const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.enum(["developer", "system"]), content: text, name }),
  z.strictObject({ role: z.literal("user"), content: parts, name }),
  z.strictObject({
    role: z.literal("assistant"),
    content: text,
    name,
    refusal: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    tool_calls: z.array(toolCall).optional(),
  }),
  z.strictObject({ role: z.literal("tool"), tool_call_id: z.string(), content: text, name }),
]);

const chatRequest = z.strictObject({
  messages: z.array(message).min(1),
  model: z.string().optional(),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  seed: z.int().nullish(),
  n: z.literal(1).nullish(),
  user: z.string().nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  reasoning_effort: z.enum(["low", "medium", "high"]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  tools: z.array(z.strictObject({
    type: z.literal("function"),
    function: z.strictObject({
      name: z.string(),
      description: z.string().optional(),
      parameters: z.json().optional(),
      strict: z.boolean().nullish(),
    }),
  })).optional(),
  tool_choice: z.union([
    z.enum(["auto", "none", "required"]),
    z.strictObject({ type: z.literal("function"), function: z.strictObject({ name: z.string() }) }),
  ]).nullish(),
  response_format: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("text") }),
    z.strictObject({ type: z.literal("json_object") }),
    z.strictObject({
      type: z.literal("json_schema"),
      json_schema: z.looseObject({ name: z.string(), schema: z.json() }),
    }),
  ]).nullish(),
});

type ChatRequest = z.infer<typeof chatRequest>;
type ChatMessage = ChatRequest["messages"][number];

export const CHAT: NativeBody = {
  toConverse: (body) => chatToConverse(parseChat(body)),
  message: (answer, model) => ({
    ...envelope("chat.completion", answer, model),
    choices: [{
      index: 0,
      finish_reason: FINISH_REASONS[answer.stopReason],
      message: {
        role: "assistant",
        content: contentOf(answer, model),
        refusal: null,
        ...(callsOf(answer).length === 0 ? {} : { tool_calls: callsOf(answer) }),
      },
      logprobs: null,
    }],
    usage: usageOf(answer),
  }),
  events: chatChunks,
};

function parseChat(body: JsonValue | undefined): ChatRequest {
  const result = chatRequest.safeParse(body ?? {}, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path =
    issue?.path.map((step) => typeof step === "number" ? `[${step}]` : `.${String(step)}`).join("") ?? "";
  const problem = issue?.code === "unrecognized_keys"
    ? `unknown field \`${issue.keys[0]}\`, expected one of ${
      Object.keys(chatRequest.shape).map((name) => `\`${name}\``).join(", ")
    }`
    : issue?.message ?? "";
  const place = [path.replace(/^\./, ""), issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined];
  throw new ModelRefusal(
    `Failed to deserialize the JSON body into the target type: ${
      place.filter(Boolean).join(".")
    }: ${problem}`,
  );
}

/** The equivalent Converse request. */
function chatToConverse(request: ChatRequest): ConverseRequest {
  const { messages, tools = [], tool_choice: choice, response_format: format, stop } = request;
  const maxTokens = request.max_completion_tokens ?? request.max_tokens;
  const isSystem = (message: ChatMessage) => message.role === "system" || message.role === "developer";
  const system = messages.flatMap((message) => isSystem(message) ? [{ text: textOf(message.content) }] : []);
  const hasTools = tools.length > 0 && choice !== "none";
  return parseConverseRequest({
    messages: turnsOf(messages.filter((message) => !isSystem(message))),
    ...(system.length === 0 ? {} : { system }),
    inferenceConfig: {
      ...given("maxTokens", maxTokens),
      // Converse has no temperature above 1; the emulated model ignores the value.
      ...given("temperature", request.temperature && Math.min(request.temperature, 1)),
      ...given("topP", request.top_p),
      ...given("stopSequences", stop && [stop].flat()),
    },
    ...(hasTools
      ? { toolConfig: { tools: tools.map(toolSpecOf), ...given("toolChoice", choice && choiceOf(choice)) } }
      : {}),
    ...(format?.type === "json_schema"
      ? {
        outputConfig: {
          textFormat: {
            type: "json_schema",
            structure: { jsonSchema: { schema: JSON.stringify(format.json_schema.schema) } },
          },
        },
      }
      : {}),
    additionalModelRequestFields: format?.type === "json_object" ? { response_format: format } : {},
  });
}

/** The field, if it has a value. */
function given<Value>(name: string, value: Value | null | undefined): Record<string, Value> {
  return value === null || value === undefined ? {} : { [name]: value };
}

/** Merges adjacent messages of the same role into one Converse message. */
function turnsOf(messages: readonly ChatMessage[]): JsonObject[] {
  const turns: { role: string; content: JsonValue[] }[] = [];
  for (const message of messages) {
    const role = message.role === "assistant" ? "assistant" : "user";
    const content = blocksOf(message);
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  }
  return turns.map((turn) => ({ ...turn }));
}

function blocksOf(message: ChatMessage): JsonValue[] {
  switch (message.role) {
    case "tool":
      return [{
        toolResult: { toolUseId: message.tool_call_id, content: [{ text: textOf(message.content) }] },
      }];
    case "assistant": {
      const text = textOf(message.content);
      return [
        ...(text === "" ? [] : [{ text }]),
        ...(message.tool_calls ?? []).map(({ id, function: { name, arguments: input } }) => ({
          toolUse: { toolUseId: id, name, input: parseInput(input) },
        })),
      ];
    }
    case "user":
      if (typeof message.content === "string") return [{ text: message.content }];
      return message.content.map((part) => {
        if (part.type === "text") return { text: part.text };
        const [, format = "", bytes = ""] = /^data:image\/(\w+);base64,(.*)$/s.exec(part.image_url.url) ?? [];
        return { image: { format, source: { bytes } } };
      });
    case "developer":
    case "system":
      return [{ text: textOf(message.content) }];
  }
}

function parseInput(text: string): JsonValue {
  try {
    const input: JsonValue = JSON.parse(text);
    return isJsonObject(input) ? input : {};
  } catch {
    throw new ModelRefusal("The arguments of a tool call are not valid JSON");
  }
}

function textOf(content: z.infer<typeof parts> | z.infer<typeof text>): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.type === "text" ? part.text : "").join("\n");
}

function toolSpecOf(
  { function: { name, description, parameters, strict } }: NonNullable<ChatRequest["tools"]>[number],
) {
  return {
    toolSpec: {
      name,
      ...(description ? { description } : {}),
      inputSchema: { json: parameters ?? { type: "object" } },
      ...given("strict", strict),
    },
  };
}

function choiceOf(choice: NonNullable<ChatRequest["tool_choice"]>): JsonObject {
  if (typeof choice === "object") return { tool: { name: choice.function.name } };
  return choice === "required" ? { any: {} } : { auto: {} };
}

const FINISH_REASONS: Readonly<Record<StopReason, string>> = {
  end_turn: "stop",
  guardrail_intervened: "stop",
  max_tokens: "length",
  stop_sequence: "stop",
  tool_use: "tool_calls",
};

function envelope(object: string, { key }: Answer, { id }: Model): JsonObject {
  return {
    id: `chatcmpl-${key}`,
    object,
    // Constant, because equal requests get equal responses.
    created: 1_700_000_000,
    model: id,
    service_tier: "default",
    system_fingerprint: null,
  };
}

/** OpenAI's open models include their reasoning in the content. */
function contentOf(answer: Answer, model: Model): string | null {
  const text = answer.blocks.flatMap((block) => pieceOf(block, model)).join("");
  return text === "" && callsOf(answer).length > 0 ? null : text;
}

function pieceOf(block: AnswerBlock, { id }: Model): string[] {
  if (block.kind === "text") return [block.text];
  const isShown = block.kind === "reasoning" && id.startsWith("openai.gpt-oss-");
  return isShown ? [`<reasoning>${block.text}</reasoning>`] : [];
}

interface ToolCall extends JsonObject {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

function callsOf({ blocks }: Answer): ToolCall[] {
  return blocks.flatMap((block) =>
    block.kind === "tool_use"
      ? [{
        id: `chatcmpl-tool-${block.key}`,
        type: "function",
        function: { name: block.name, arguments: JSON.stringify(block.input) },
      }]
      : []
  );
}

function usageOf({ account: { inputTokens }, outputTokens }: Answer): JsonObject {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

/** The chunks of the stream: role, text and calls, then the finish reason, then the usage without choices. */
function* chatChunks(answer: Answer, model: Model): Generator<JsonObject> {
  const base = envelope("chat.completion.chunk", answer, model);
  const chunk = (delta: JsonObject, finish_reason: string | null = null): JsonObject => ({
    ...base,
    choices: [{ index: 0, delta, finish_reason, logprobs: null }],
  });
  yield chunk({ role: "assistant", content: "" });
  for (const content of tokenize(contentOf(answer, model) ?? "")) yield chunk({ content });
  for (const [index, { function: call, ...tool }] of callsOf(answer).entries()) {
    yield chunk({ tool_calls: [{ index, ...tool, function: { name: call.name, arguments: "" } }] });
    for (const piece of tokenize(call.arguments)) {
      yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
  }
  yield chunk({}, FINISH_REASONS[answer.stopReason]);
  yield { ...base, choices: [], usage: usageOf(answer) };
}
