/** OpenAI's Chat Completions request, parsed and validated. */

import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { parseCacheControl } from "../anthropic/cache_control.ts";
import type { CacheControl } from "../anthropic/cache_control.ts";
import { Fields, unexpected } from "../fields.ts";
import { parseChatMessages } from "./chat_messages.ts";
import type { ChatMessage } from "./message_types.ts";

/**
 * https://platform.openai.com/docs/api-reference/chat/create, with extensions that clients of Bedrock send.
 */
export interface ChatRequest {
  /** Undefined if absent or empty: the route's default model is used. */
  readonly model: string | undefined;
  readonly messages: readonly ChatMessage[];
  readonly stream: boolean;
  /** `stream_options.include_usage` */
  readonly includeUsage: boolean;
  /** `max_completion_tokens`, or the older `max_tokens`. */
  readonly maxTokens: number | undefined;
  /** Which of the two names was sent. */
  readonly maxTokensField: "max_completion_tokens" | "max_tokens";
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly topK: number | undefined;
  readonly stop: readonly string[];
  readonly tools: readonly ChatTool[];
  readonly toolChoice: ChatToolChoice | undefined;
  readonly parallelToolCalls: boolean | undefined;
  readonly responseFormat: ResponseFormat;
  readonly reasoningEffort: string | undefined;
  readonly thinking: Thinking | undefined;
  readonly serviceTier: ServiceTier | undefined;
  readonly metadata: JsonObject | undefined;
  readonly bedrock: BedrockExtras;
  /** Top-level fields that are set but have no member here. */
  readonly otherFields: ReadonlyMap<string, JsonValue>;
  /** Paths, without indexes, of nested fields that are set but have no member here: `messages[].name`. */
  readonly unreadPaths: readonly string[];
}

export interface ChatTool {
  /** `tools[0]` */
  readonly path: string;
  /** `tools[0].function.name` */
  readonly namePath: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: JsonObject | undefined;
  /** Without an index: `tools[].function.parameters`. */
  readonly schemaPath: string;
  readonly strict: boolean;
  readonly strictPath: string;
  readonly cache: CacheControl | undefined;
}

export type ChatToolChoice =
  | { readonly type: "auto" | "none" | "required" }
  | { readonly type: "function"; readonly name: string }
  | { readonly type: "allowed_tools"; readonly mode: "auto" | "required"; readonly names: readonly string[] };

export type ResponseFormat =
  | { readonly type: "text" | "json_object" }
  | {
    readonly type: "json_schema";
    readonly name: string;
    readonly description: string | undefined;
    readonly schema: JsonObject;
    /** `response_format.json_schema.schema` */
    readonly schemaPath: string;
  };

/** Anthropic's `thinking`, including any other fields it has. */
export interface Thinking {
  readonly type: "enabled" | "disabled" | "adaptive";
  readonly budgetTokens: number | undefined;
  readonly value: JsonObject;
}

/** OpenAI's tiers that Bedrock has, too; `scale` is reserved capacity. */
export const SERVICE_TIERS = ["auto", "default", "flex", "scale", "priority"] as const;
export type ServiceTier = (typeof SERVICE_TIERS)[number];

/** Converse's own fields, which a Chat request may contain under Bedrock's names. */
export interface BedrockExtras {
  readonly guardrailConfig: JsonObject | undefined;
  readonly performanceConfig: JsonObject | undefined;
  readonly additionalModelRequestFields: JsonObject | undefined;
  readonly promptVariables: JsonObject | undefined;
  readonly requestMetadata: JsonObject | undefined;
  readonly serviceTier: JsonObject | undefined;
  readonly additionalModelResponseFieldPaths: readonly string[] | undefined;
}

/** Parses a request body; throws `invalid_request` with the path of the first invalid field. */
export function parseChatRequest(body: JsonObject): ChatRequest {
  const fields = Fields.root(body);
  const streamOptions = fields.optionalObject("stream_options");
  const newMaxTokens = fields.optionalCount("max_completion_tokens");
  const oldMaxTokens = fields.optionalCount("max_tokens");
  const isLimitedTwice = newMaxTokens !== undefined && oldMaxTokens !== undefined;
  const includeUsage = streamOptions?.optionalBoolean("include_usage") ?? false;
  const messages = parseChatMessages(fields);
  const tools = fields.items("tools").map(parseTool);
  const { toolChoice, isSingle } = parseToolChoice(fields);
  return {
    model: fields.optionalString("model") || undefined,
    messages,
    stream: fields.optionalBoolean("stream") ?? false,
    includeUsage,
    maxTokens: newMaxTokens ?? oldMaxTokens,
    maxTokensField: newMaxTokens === undefined ? "max_tokens" : "max_completion_tokens",
    temperature: fields.optionalNumber("temperature"),
    topP: fields.optionalNumber("top_p"),
    topK: fields.optionalNumber("top_k"),
    stop: parseStop(fields),
    tools,
    toolChoice,
    parallelToolCalls: fields.optionalBoolean("parallel_tool_calls") ?? (isSingle ? false : undefined),
    responseFormat: parseResponseFormat(fields),
    reasoningEffort: fields.optionalString("reasoning_effort"),
    thinking: parseThinking(fields),
    serviceTier: fields.optionalOneOf("service_tier", SERVICE_TIERS),
    metadata: fields.optionalObject("metadata")?.whole(),
    bedrock: {
      guardrailConfig: fields.optionalObject("guardrailConfig")?.whole(),
      performanceConfig: fields.optionalObject("performanceConfig")?.whole(),
      additionalModelRequestFields: fields.optionalObject("additionalModelRequestFields")?.whole(),
      promptVariables: fields.optionalObject("promptVariables")?.whole(),
      requestMetadata: fields.optionalObject("requestMetadata")?.whole(),
      serviceTier: fields.optionalObject("serviceTier")?.whole(),
      additionalModelResponseFieldPaths: parseFieldPaths(fields),
    },
    // Last, after everything has been read.
    otherFields: new Map(fields.unread()),
    unreadPaths: [...(isLimitedTwice ? ["max_tokens"] : []), ...fields.unreadInside()],
  };
}

function parseStop(fields: Fields): readonly string[] {
  const stop = fields.any("stop");
  const list = stop === undefined ? [] : Array.isArray(stop) ? stop as readonly JsonValue[] : [stop];
  return list.map((each, index) => {
    if (typeof each === "string" && each !== "") return each;
    throw unexpected(Array.isArray(stop) ? `stop[${index}]` : "stop", "a non-empty string", each);
  });
}

function parseFieldPaths(fields: Fields): readonly string[] | undefined {
  const name = "additionalModelResponseFieldPaths";
  return fields.optionalArray(name)?.map((each, index) => {
    if (typeof each === "string") return each;
    throw unexpected(`${name}[${index}]`, "a JSON pointer", each);
  });
}

/**
 * A tool in the form of Chat Completions, or without the `function` around it, as in Responses and Anthropic's
 * Messages.
 */
function parseTool(fields: Fields): ChatTool {
  const isBare = fields.any("function") === undefined && fields.any("name") !== undefined;
  if (isBare) fields.optionalOneOf("type", ["function", "custom"]);
  else fields.oneOf("type", ["function"]);
  const definition = isBare ? fields : fields.object("function");
  const parameters = definition.optionalObject("parameters");
  const inputSchema = isBare ? definition.optionalObject("input_schema") : undefined;
  const place = isBare ? "tools[]" : "tools[].function";
  return {
    path: fields.path,
    namePath: definition.pathOf("name"),
    name: definition.string("name"),
    description: definition.optionalString("description") || undefined,
    parameters: (parameters ?? inputSchema)?.whole(),
    schemaPath: parameters === undefined && inputSchema !== undefined
      ? `${place}.input_schema`
      : `${place}.parameters`,
    strictPath: `${place}.strict`,
    strict: definition.optionalBoolean("strict") ?? false,
    cache: parseCacheControl(fields) ?? parseCacheControl(definition),
  };
}

interface ToolChoiceFields {
  readonly toolChoice: ChatToolChoice | undefined;
  /** Anthropic's `disable_parallel_tool_use`, which is a member of the choice. */
  readonly isSingle: boolean | undefined;
}

function parseToolChoice(fields: Fields): ToolChoiceFields {
  const choice = fields.any("tool_choice");
  if (choice === undefined) return { toolChoice: undefined, isSingle: undefined };
  if (!isJsonObject(choice)) {
    const word = fields.oneOf("tool_choice", ["auto", "none", "required", "any"]);
    return { toolChoice: { type: word === "any" ? "required" : word }, isSingle: undefined };
  }
  const object = fields.object("tool_choice");
  const isSingle = object.optionalBoolean("disable_parallel_tool_use");
  // Some clients send an empty object to leave the choice to the model.
  return { toolChoice: object.unread().length === 0 ? undefined : parseChosenTools(object), isSingle };
}

/** The types of Chat Completions, and those of Anthropic's Messages. */
const CHOICE_TYPES = ["function", "allowed_tools", "auto", "any", "tool", "none", "required"] as const;

function parseChosenTools(fields: Fields): ChatToolChoice {
  const type = fields.oneOf("type", CHOICE_TYPES);
  switch (type) {
    case "function":
      return { type, name: parseToolName(fields) };
    case "tool":
      return { type: "function", name: fields.string("name") };
    case "any":
      return { type: "required" };
    case "auto":
    case "none":
    case "required":
      return { type };
    case "allowed_tools": {
      const allowed = fields.object("allowed_tools");
      return {
        type: "allowed_tools",
        mode: allowed.oneOf("mode", ["auto", "required"]),
        names: allowed.items("tools").map((tool) => {
          tool.optionalOneOf("type", ["function"]);
          return parseToolName(tool);
        }),
      };
    }
  }
}

function parseToolName(fields: Fields): string {
  if (fields.any("function") === undefined && fields.any("name") !== undefined) return fields.string("name");
  return fields.object("function").string("name");
}

function parseResponseFormat(fields: Fields): ResponseFormat {
  const format = fields.optionalObject("response_format");
  if (format === undefined) return { type: "text" };
  const type = format.oneOf("type", ["text", "json_object", "json_schema"]);
  if (type === "text") return { type };
  if (type === "json_object") {
    // A schema here is an extension of several model servers, with the meaning of json_schema.
    const schema = format.optionalObject("schema")?.whole();
    return schema === undefined ? { type } : {
      type: "json_schema",
      name: "json",
      description: undefined,
      schema,
      schemaPath: format.pathOf("schema"),
    };
  }
  const definition = format.object("json_schema");
  // The families that support a schema always enforce it, so there is nothing to pass on.
  definition.optionalBoolean("strict");
  return {
    type,
    name: definition.string("name"),
    description: definition.optionalString("description") || undefined,
    schema: definition.object("schema").whole(),
    schemaPath: definition.pathOf("schema"),
  };
}

function parseThinking(fields: Fields): Thinking | undefined {
  const thinking = fields.optionalObject("thinking");
  if (thinking === undefined) return undefined;
  return {
    type: thinking.oneOf("type", ["enabled", "disabled", "adaptive"]),
    budgetTokens: thinking.optionalCount("budget_tokens"),
    value: thinking.whole(),
  };
}
