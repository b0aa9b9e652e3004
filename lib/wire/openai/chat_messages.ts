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

/** The request's messages; paths of unknown fields are added to `unreadPaths`. */
export function parseChatMessages(request: Fields, unreadPaths: Set<string>): ChatMessage[] {
  const messages = request.items("messages");
  if (messages.length === 0) throw unexpected("messages", "at least one message", request.any("messages"));
  return messages.map((fields) => {
    const message = parseMessage(fields, unreadPaths);
    fields.noteUnread(unreadPaths);
    return message;
  });
}

function parseMessage(fields: Fields, unreadPaths: Set<string>): ChatMessage {
  const path = fields.path;
  const role = fields.oneOf("role", ROLES);
  const cache = parseCacheControl(fields, unreadPaths);
  switch (role) {
    case "system":
    case "developer":
      return { role: "system", path, content: markLast(parseTextContent(fields, unreadPaths), cache) };
    case "user":
      return { role, path, content: markLast(parseContent(fields, unreadPaths), cache) };
    case "assistant":
      return parseAssistant(fields, { unreadPaths, cache });
    case "tool":
      return {
        role,
        path,
        toolCallId: fields.string("tool_call_id"),
        content: parseContent(fields, unreadPaths),
        isError: fields.optionalBoolean("is_error") ?? false,
        cache,
      };
  }
}

interface AssistantOptions {
  readonly unreadPaths: Set<string>;
  readonly cache: CacheControl | undefined;
}

function parseAssistant(fields: Fields, { unreadPaths, cache }: AssistantOptions): AssistantMessage {
  const content = parseTextContent(fields, unreadPaths);
  const refusal = fields.optionalString("refusal");
  return {
    role: "assistant",
    path: fields.path,
    content: refusal === undefined ? content : [...content, textPart(refusal, fields.pathOf("refusal"))],
    toolCalls: fields.items("tool_calls").map((call) => parseToolCall(call, unreadPaths)),
    thinking: fields.items("thinking_blocks").map((block) => {
      const parsed = parseThinkingBlock(block);
      block.noteUnread(unreadPaths);
      return parsed;
    }),
    reasoning: fields.optionalString("reasoning_content") || undefined,
    cache,
  };
}

function parseToolCall(fields: Fields, unreadPaths: Set<string>): ChatToolCall {
  fields.optionalOneOf("type", ["function"]);
  // Streams number their calls, and clients keep that number when they assemble a call.
  fields.any("index");
  const call = fields.object("function");
  const parsed: ChatToolCall = {
    path: fields.path,
    id: fields.string("id"),
    name: call.string("name"),
    arguments: parseArguments(call),
  };
  fields.noteUnread(unreadPaths);
  return parsed;
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
function parseTextContent(fields: Fields, unreadPaths: Set<string>): TextPart[] {
  return parseContent(fields, unreadPaths).map((part) => {
    if (part.type === "text") return part;
    throw invalidField(part.path, `expected a part of type "text", found "${part.type}"`);
  });
}

function parseContent(message: Fields, unreadPaths: Set<string>): ContentPart[] {
  const content = message.any("content");
  const path = message.pathOf("content");
  if (content === undefined) return [];
  if (typeof content === "string") return [textPart(content, path)];
  if (!Array.isArray(content)) throw unexpected(path, "a string or an array of content parts", content);
  return message.items("content").map((fields) => {
    const part = parsePart(fields, unreadPaths);
    fields.noteUnread(unreadPaths);
    return part;
  });
}

type PartReader = (fields: Fields, unreadPaths: Set<string>) => ContentPart;

const PART_READERS: Readonly<Record<string, PartReader>> = {
  text: (fields, unreadPaths) => ({
    type: "text",
    ...partBase(fields, unreadPaths),
    text: fields.string("text"),
  }),
  refusal: (fields, unreadPaths) => ({
    type: "text",
    ...partBase(fields, unreadPaths),
    text: fields.string("refusal"),
  }),
  image_url: (fields, unreadPaths) => ({
    type: "image_url",
    ...partBase(fields, unreadPaths),
    url: parseUrl(fields, { name: "image_url", unreadPaths }),
  }),
  video_url: (fields, unreadPaths) => ({
    type: "video_url",
    ...partBase(fields, unreadPaths),
    url: parseUrl(fields, { name: "video_url", unreadPaths }),
  }),
  input_audio: (fields, unreadPaths) => {
    const audio = fields.object("input_audio");
    const part: AudioPart = {
      type: "input_audio",
      ...partBase(fields, unreadPaths),
      data: audio.string("data"),
      format: audio.string("format"),
    };
    audio.noteUnread(unreadPaths);
    return part;
  },
  file: (fields, unreadPaths) => {
    const file = fields.object("file");
    if (file.any("file_data") === undefined && file.any("file_id") !== undefined) {
      throw invalidField(
        file.pathOf("file_id"),
        "the gateway does not store files; send the content as file_data",
      );
    }
    const part: FilePart = {
      type: "file",
      ...partBase(fields, unreadPaths),
      data: file.string("file_data"),
      filename: file.optionalString("filename"),
    };
    file.noteUnread(unreadPaths);
    return part;
  },
};

function parsePart(fields: Fields, unreadPaths: Set<string>): ContentPart {
  const type = fields.string("type");
  const read = Object.hasOwn(PART_READERS, type) ? PART_READERS[type] : undefined;
  if (read === undefined) throw unexpected(fields.pathOf("type"), oneOf(Object.keys(PART_READERS)), type);
  return read(fields, unreadPaths);
}

/** The URL of an `image_url` or `video_url`, which some clients send as a plain string. */
function parseUrl(
  fields: Fields,
  { name, unreadPaths }: { name: string; unreadPaths: Set<string> },
): UrlField {
  const value = fields.any(name);
  if (typeof value === "string") return { path: fields.pathOf(name), value };
  const object = fields.object(name);
  const url = { path: object.pathOf("url"), value: object.string("url") };
  object.noteUnread(unreadPaths);
  return url;
}

function partBase(fields: Fields, unreadPaths: Set<string>): PartBase {
  return { path: fields.path, cache: parseCacheControl(fields, unreadPaths) };
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
