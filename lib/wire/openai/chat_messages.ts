/** The messages of a Chat Completions request: one type for each role and each kind of content part. */

import { isJsonObject, parseExactJson } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { invalidField } from "../../base/errors.ts";
import { parseCacheControl } from "../anthropic/cache_control.ts";
import type { CacheControl } from "../anthropic/cache_control.ts";
import { oneOf, unexpected } from "../fields.ts";
import type { Fields } from "../fields.ts";

/** `path` is its position in the request, such as `messages[2]`. */
export type ChatMessage =
  | { readonly role: "system"; readonly path: string; readonly content: readonly TextPart[] }
  | { readonly role: "user"; readonly path: string; readonly content: readonly ContentPart[] }
  | AssistantMessage
  | ToolMessage;

export interface AssistantMessage {
  readonly role: "assistant";
  readonly path: string;
  readonly content: readonly TextPart[];
  readonly toolCalls: readonly ChatToolCall[];
  readonly thinking: readonly ThinkingBlock[];
  /** `reasoning_content`, unsigned; used only if `thinking` is empty. */
  readonly reasoning: string | undefined;
  /** Marks the end of the whole message for caching. */
  readonly cache: CacheControl | undefined;
}

export interface ToolMessage {
  readonly role: "tool";
  readonly path: string;
  readonly toolCallId: string;
  readonly content: readonly ContentPart[];
  /** `is_error`, an extension. */
  readonly isError: boolean;
  readonly cache: CacheControl | undefined;
}

export type ContentPart = TextPart | ImagePart | AudioPart | VideoPart | FilePart;

interface PartBase {
  /** `messages[2].content[0]`, or `messages[2].content` for a plain string. */
  readonly path: string;
  readonly cache: CacheControl | undefined;
}
/** A `text` or `refusal` part, or content that is a plain string. */
export interface TextPart extends PartBase {
  readonly type: "text";
  readonly text: string;
}
export interface ImagePart extends PartBase {
  readonly type: "image_url";
  readonly url: UrlField;
}
export interface AudioPart extends PartBase {
  readonly type: "input_audio";
  /** Base64. */
  readonly data: string;
  readonly format: string;
}
/** `video_url`, the spelling of several gateways and model servers. */
export interface VideoPart extends PartBase {
  readonly type: "video_url";
  readonly url: UrlField;
}
export interface UrlField {
  /** `messages[2].content[0].image_url.url` */
  readonly path: string;
  readonly value: string;
}
export interface FilePart extends PartBase {
  readonly type: "file";
  /** A data URL, or plain base64. */
  readonly data: string;
  readonly filename: string | undefined;
}

export interface ChatToolCall {
  /** `messages[2].tool_calls[0]` */
  readonly path: string;
  readonly id: string;
  readonly name: string;
  readonly arguments: JsonObject;
}

/** Thinking as Adit returned it; the model accepts it back only with its signature. */
export type ThinkingBlock =
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string | undefined }
  | { readonly type: "redacted_thinking"; readonly data: string };

const ROLES = ["system", "developer", "user", "assistant", "tool"] as const;

/** The request's messages. */
export function parseChatMessages(request: Fields): ChatMessage[] {
  const messages = request.items("messages");
  if (messages.length === 0) throw unexpected("messages", "at least one message", request.any("messages"));
  return messages.map(parseMessage);
}

function parseMessage(fields: Fields): ChatMessage {
  const path = fields.path;
  const role = fields.oneOf("role", ROLES);
  const cache = parseCacheControl(fields);
  switch (role) {
    case "system":
    case "developer":
      return { role: "system", path, content: markLast(parseTextContent(fields), cache) };
    case "user":
      return { role, path, content: markLast(parseContent(fields), cache) };
    case "assistant":
      return parseAssistant(fields, cache);
    case "tool":
      return {
        role,
        path,
        toolCallId: fields.string("tool_call_id"),
        content: parseContent(fields),
        isError: fields.optionalBoolean("is_error") ?? false,
        cache,
      };
  }
}

function parseAssistant(fields: Fields, cache: CacheControl | undefined): AssistantMessage {
  const content = parseTextContent(fields);
  const refusal = fields.optionalString("refusal");
  return {
    role: "assistant",
    path: fields.path,
    content: refusal === undefined ? content : [...content, textPart(refusal, fields.pathOf("refusal"))],
    toolCalls: fields.items("tool_calls").map(parseToolCall),
    thinking: fields.items("thinking_blocks").map(parseThinkingBlock),
    reasoning: fields.optionalString("reasoning_content") || undefined,
    cache,
  };
}

function parseToolCall(fields: Fields): ChatToolCall {
  fields.optionalOneOf("type", ["function"]);
  // Streams number their calls, and clients keep that number when they assemble a call.
  fields.any("index");
  const call = fields.object("function");
  return {
    path: fields.path,
    id: fields.string("id"),
    name: call.string("name"),
    arguments: parseArguments(call),
  };
}

/** The arguments of a call, which are a JSON string; some clients send `""` for a call without arguments. */
function parseArguments(call: Fields): JsonObject {
  const text = call.optionalString("arguments") ?? "";
  if (text.trim() === "") return {};
  let value: JsonValue;
  try {
    value = parseExactJson(text);
  } catch {
    throw invalidField(
      call.pathOf("arguments"),
      "expected a JSON object as a string, found a string that is not JSON",
    );
  }
  if (!isJsonObject(value)) throw unexpected(call.pathOf("arguments"), "a JSON object as a string", value);
  return value;
}

function parseThinkingBlock(fields: Fields): ThinkingBlock {
  const type = fields.oneOf("type", ["thinking", "redacted_thinking"]);
  switch (type) {
    case "thinking":
      return {
        type,
        thinking: fields.string("thinking"),
        signature: fields.optionalString("signature") || undefined,
      };
    case "redacted_thinking":
      return { type, data: fields.string("data") };
  }
}

/** Content in which only text is allowed: system and assistant messages. */
function parseTextContent(fields: Fields): TextPart[] {
  return parseContent(fields).map((part) => {
    if (part.type === "text") return part;
    throw invalidField(part.path, `expected a part of type "text", found "${part.type}"`);
  });
}

function parseContent(message: Fields): ContentPart[] {
  const content = message.any("content");
  const path = message.pathOf("content");
  if (content === undefined) return [];
  if (typeof content === "string") return [textPart(content, path)];
  if (!Array.isArray(content)) throw unexpected(path, "a string or an array of content parts", content);
  return message.items("content").map(parsePart);
}

type PartReader = (fields: Fields) => ContentPart;

const PART_READERS: Readonly<Record<string, PartReader>> = {
  text: (fields) => ({
    type: "text",
    ...partBase(fields),
    text: fields.string("text"),
  }),
  refusal: (fields) => ({
    type: "text",
    ...partBase(fields),
    text: fields.string("refusal"),
  }),
  image_url: (fields) => ({
    type: "image_url",
    ...partBase(fields),
    url: parseUrl(fields, "image_url"),
  }),
  video_url: (fields) => ({
    type: "video_url",
    ...partBase(fields),
    url: parseUrl(fields, "video_url"),
  }),
  input_audio: (fields) => {
    const audio = fields.object("input_audio");
    return {
      type: "input_audio",
      ...partBase(fields),
      data: audio.string("data"),
      format: audio.string("format"),
    };
  },
  file: (fields) => {
    const file = fields.object("file");
    if (file.any("file_data") === undefined && file.any("file_id") !== undefined) {
      throw invalidField(
        file.pathOf("file_id"),
        "the gateway does not store files; send the content as file_data",
      );
    }
    return {
      type: "file",
      ...partBase(fields),
      data: file.string("file_data"),
      filename: file.optionalString("filename"),
    };
  },
};

function parsePart(fields: Fields): ContentPart {
  const type = fields.string("type");
  const read = Object.hasOwn(PART_READERS, type) ? PART_READERS[type] : undefined;
  if (read === undefined) throw unexpected(fields.pathOf("type"), oneOf(Object.keys(PART_READERS)), type);
  return read(fields);
}

/** The URL of an `image_url` or `video_url`, which some clients send as a plain string. */
function parseUrl(
  fields: Fields,
  name: string,
): UrlField {
  const value = fields.any(name);
  if (typeof value === "string") return { path: fields.pathOf(name), value };
  const object = fields.object(name);
  return { path: object.pathOf("url"), value: object.string("url") };
}

function partBase(fields: Fields): PartBase {
  return { path: fields.path, cache: parseCacheControl(fields) };
}

function textPart(text: string, path: string): TextPart {
  return { type: "text", path, text, cache: undefined };
}

/** A cache marker on a message applies to its last part. */
function markLast<T extends ContentPart>(
  content: readonly T[],
  cache: CacheControl | undefined,
): readonly T[] {
  const last = content.at(-1);
  if (cache === undefined || last === undefined) return content;
  return [...content.slice(0, -1), { ...last, cache: last.cache ?? cache }];
}
