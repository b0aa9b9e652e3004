/**
 * Anthropic's Messages request: the head that every request needs, and the fields that a translation needs.
 */

import { AditError, invalidField } from "../../base/errors.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { parseContent, parseSystemMessage, parseTextContent } from "./content.ts";
import type { MessageBlock, TextBlock } from "./content.ts";
import { withDottedPaths } from "./paths.ts";
import { Fields, unexpected } from "../fields.ts";
import { parseCacheControl } from "./cache_control.ts";
import type { CacheControl } from "./cache_control.ts";

/** The fields that are read from every request, whether or not it is translated. */
export interface MessagesHead {
  readonly model: string;
  readonly stream: boolean;
}

/** Checks the required fields, with the messages of Anthropic's API; the model validates everything else. */
export function parseMessagesHead(body: JsonObject): MessagesHead {
  const { model, messages, stream, thread } = body;
  if (model === undefined) throw missingField("model");
  if (typeof model !== "string") throw invalidField("model", "Input should be a valid string");
  if (messages === undefined) throw missingField("messages");
  if (!Array.isArray(messages)) throw invalidField("messages", "Input should be a valid list");
  if (stream !== undefined && stream !== null && typeof stream !== "boolean") {
    throw invalidField("stream", "Input should be a valid boolean");
  }
  if (thread !== undefined && thread !== null) throw threadUnsupported();
  return { model, stream: stream ?? false };
}

/**
 * Neither Bedrock nor the gateway stores conversations; the error code makes clients send all messages instead.
 */
function threadUnsupported(): AditError {
  const message = "thread: conversations are not stored; send all messages without thread";
  return new AditError("invalid_request", message, {
    param: "thread",
    anthropicCode: "thread_unsupported_request",
  });
}

/** The error for a missing required field. */
export function missingField(name: string): AditError {
  return invalidField(name, "Field required");
}

/** Beta flags in the value of an `anthropic-beta` header, which may list several. */
export function parseBetaHeader(value: string | null): readonly string[] {
  if (value === null) return NO_FLAGS;
  return value.split(",").map((flag) => flag.trim()).filter((flag) => flag !== "");
}

const NO_FLAGS: readonly string[] = [];

/** Beta flags in the body's `anthropic_beta`, which is where Bedrock expects them. */
export function parseBetaField(value: JsonValue | undefined): readonly string[] {
  if (value === undefined || value === null) return NO_FLAGS;
  if (typeof value === "string") return parseBetaHeader(value);
  if (!Array.isArray(value)) throw invalidField("anthropic_beta", "Input should be a valid list");
  return value.map((flag: JsonValue, index) => {
    if (typeof flag === "string") return flag;
    throw invalidField(`anthropic_beta.${index}`, "Input should be a valid string");
  });
}

/** https://docs.anthropic.com/en/api/messages, as far as Converse supports it. */
export interface MessagesRequest {
  readonly messages: readonly Message[];
  readonly system: readonly TextBlock[];
  readonly maxTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly topK: number | undefined;
  readonly stopSequences: readonly string[];
  readonly tools: readonly MessagesTool[];
  /** Tools that Anthropic's servers would run. */
  readonly serverTools: readonly ServerTool[];
  readonly toolChoice: MessagesToolChoice | undefined;
  readonly thinking: MessagesThinking | undefined;
  /** `output_config.effort` */
  readonly effort: string | undefined;
  readonly outputFormat: JsonOutputFormat | undefined;
  readonly contextManagement: JsonObject | undefined;
  readonly serviceTier: "auto" | "standard_only" | undefined;
  /** `metadata.user_id` */
  readonly userId: string | undefined;
  /** Marks the end of the whole conversation for caching. */
  readonly cache: CacheControl | undefined;
  /** The body's own `anthropic_beta`. */
  readonly betas: readonly string[];
  /**
   * Paths, without indexes, of fields that are set but have no member in these types: `messages[].content[].citations`.
   */
  readonly unreadPaths: readonly string[];
}

export interface Message {
  readonly role: "user" | "assistant" | "system";
  readonly content: readonly MessageBlock[];
}

/** A custom tool of the caller. */
export interface MessagesTool {
  /** `tools[0]` */
  readonly path: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly inputSchema: JsonObject;
  readonly strict: boolean;
  /** Whether the input of a call is streamed before it is complete. */
  readonly eager: boolean;
  readonly cache: CacheControl | undefined;
}

export interface ServerTool {
  /** `tools[0]` */
  readonly path: string;
  readonly type: string;
  readonly name: string | undefined;
}

export type MessagesToolChoice =
  | { readonly type: "none" }
  | { readonly type: "auto" | "any"; readonly single: boolean }
  | { readonly type: "tool"; readonly name: string; readonly single: boolean };

export interface MessagesThinking {
  readonly type: "enabled" | "disabled" | "adaptive" | "between_tools";
  readonly budgetTokens: number | undefined;
  /** The complete object, as received. */
  readonly value: JsonObject;
}

export interface JsonOutputFormat {
  /** `output_config.format`, or the older `output_format`. */
  readonly path: string;
  readonly schema: JsonObject;
}

/**
 * Parses a request for Converse; throws `invalid_request` with the path of the first field that Converse does not
 * support.
 */
export function parseMessagesRequest(body: JsonObject): MessagesRequest {
  return withDottedPaths(() => readRequest(Fields.root(body)));
}

function readRequest(fields: Fields): MessagesRequest {
  for (const name of ["model", "stream", "anthropic_version"]) fields.any(name);
  refuseServerSide(fields);
  const outputConfig = fields.optionalObject("output_config");
  const metadata = fields.optionalObject("metadata");
  const request: Omit<MessagesRequest, "unreadPaths"> = {
    messages: readMessages(fields),
    system: parseTextContent(fields, "system"),
    maxTokens: fields.optionalCount("max_tokens"),
    temperature: fields.optionalNumber("temperature"),
    topP: fields.optionalNumber("top_p"),
    topK: fields.optionalNumber("top_k"),
    stopSequences: readStopSequences(fields),
    ...readTools(fields),
    toolChoice: readToolChoice(fields),
    thinking: readThinking(fields),
    effort: outputConfig?.optionalString("effort"),
    outputFormat: readFormat(
      outputConfig?.optionalObject("format") ?? fields.optionalObject("output_format"),
    ),
    contextManagement: fields.optionalObject("context_management")?.whole(),
    serviceTier: fields.optionalOneOf("service_tier", ["auto", "standard_only"]),
    userId: metadata?.optionalString("user_id"),
    cache: parseCacheControl(fields),
    betas: parseBetaField(fields.any("anthropic_beta")),
  };
  const own = fields.unread().map(([name]) => name);
  return { ...request, unreadPaths: [...fields.unreadInside(), ...own] };
}

/** Features of Anthropic's own servers that Converse does not offer. */
const SERVER_SIDE = ["mcp_servers", "container"] as const;

function refuseServerSide(fields: Fields): void {
  for (const name of SERVER_SIDE) {
    const value = fields.any(name);
    const asksForNothing = value === undefined || (Array.isArray(value) && value.length === 0);
    if (!asksForNothing) throw invalidField(name, "not supported by Converse; remove it");
  }
}

function readMessages(fields: Fields): Message[] {
  return fields.items("messages").map((message) => {
    const role = message.oneOf("role", ["user", "assistant", "system"]);
    const parse = role === "system" ? parseSystemMessage : parseContent;
    return { role, content: parse(message, "content") };
  });
}

function readStopSequences(fields: Fields): readonly string[] {
  return (fields.optionalArray("stop_sequences") ?? []).map((each, index) => {
    if (typeof each === "string" && each !== "") return each;
    throw unexpected(`stop_sequences[${index}]`, "a non-empty string", each);
  });
}

function readTools(fields: Fields): Pick<MessagesRequest, "tools" | "serverTools"> {
  const tools: MessagesTool[] = [];
  const serverTools: ServerTool[] = [];
  for (const tool of fields.items("tools")) {
    const type = tool.optionalString("type") ?? "custom";
    if (type === "custom") tools.push(readTool(tool));
    else if (SERVER_TOOLS.test(type)) {
      serverTools.push({ path: tool.path, type, name: tool.optionalString("name") });
      // It is reported by its type.
      tool.leaveOut();
    } else throw unexpected(tool.pathOf("type"), '"custom"', type);
  }
  return { tools, serverTools };
}

/** https://docs.claude.com/en/docs/agents-and-tools/tool-use/overview: "server tools", whose calls never reach the caller. */
const SERVER_TOOLS = /^(?:advisor|code_execution|tool_search_tool|web_fetch|web_search)_/;

function readTool(fields: Fields): MessagesTool {
  return {
    path: fields.path,
    name: fields.string("name"),
    description: fields.optionalString("description") || undefined,
    inputSchema: fields.object("input_schema").whole(),
    strict: fields.optionalBoolean("strict") ?? false,
    eager: fields.optionalBoolean("eager_input_streaming") ?? false,
    cache: parseCacheControl(fields),
  };
}

function readToolChoice(fields: Fields): MessagesToolChoice | undefined {
  const choice = fields.optionalObject("tool_choice");
  if (choice === undefined) return undefined;
  const type = choice.oneOf("type", ["auto", "any", "tool", "none"]);
  const single = choice.optionalBoolean("disable_parallel_tool_use") ?? false;
  const name = type === "tool" ? choice.string("name") : "";
  switch (type) {
    case "none":
      return { type };
    case "auto":
    case "any":
      return { type, single };
    case "tool":
      return { type, name, single };
  }
}

function readThinking(fields: Fields): MessagesThinking | undefined {
  const thinking = fields.optionalObject("thinking");
  if (thinking === undefined) return undefined;
  return {
    type: thinking.oneOf("type", ["enabled", "disabled", "adaptive", "between_tools"]),
    budgetTokens: thinking.optionalCount("budget_tokens"),
    value: thinking.whole(),
  };
}

function readFormat(format: Fields | undefined): JsonOutputFormat | undefined {
  if (format === undefined) return undefined;
  format.oneOf("type", ["json_schema"]);
  return { path: format.path, schema: format.object("schema").whole() };
}
