/** The content parts of Chat messages: OpenAI's own, and Anthropic's, which some clients mix in. */

import { invalidField } from "../../base/errors.ts";
import { parseCacheControl } from "../anthropic/cache_control.ts";
import { redactedBlob } from "../anthropic/redacted.ts";
import { oneOf, unexpected } from "../fields.ts";
import type { Fields } from "../fields.ts";
import { parseDocumentSource, parseImageSource } from "./anthropic_sources.ts";
import type {
  ChatToolCall,
  ContentPart,
  PartBase,
  TextPart,
  ToolMessage,
  UrlField,
} from "./message_types.ts";
import type { ThinkingBlock } from "./thinking.ts";

/** Content that allows only text. */
export function parseTextContent(fields: Fields): TextPart[] {
  return parseContent(fields).map(onlyText);
}

/** The part, which must be text. */
export function onlyText(part: ReadPart): TextPart {
  if (part.type === "text") return part;
  throw invalidField(part.path, `expected a part of type "text", found "${part.type}"`);
}

/** Content of a message without tool calls and results. */
export function plainParts(parts: readonly ReadPart[]): ContentPart[] {
  return parts.map(plainPart);
}

/** The same for one part. */
export function plainPart(part: ReadPart): ContentPart {
  if (isPlain(part)) return part;
  throw unexpected(`${part.path}.type`, oneOf(PLAIN_TYPES), part.type);
}

/** The parts of a message's `content`; a string is one part. */
export function parseContent(message: Fields): ReadPart[] {
  const content = message.any("content");
  const path = message.pathOf("content");
  if (content === undefined) return [];
  if (typeof content === "string") return [textPart(content, path)];
  if (!Array.isArray(content)) throw unexpected(path, "a string or an array of content parts", content);
  return message.items("content").map(parsePart);
}

/** A part in any dialect; those that Chat Completions does not have belong elsewhere in the message. */
export type ReadPart =
  | ContentPart
  | (PartBase & { readonly type: "tool_use"; readonly call: ChatToolCall })
  | (PartBase & { readonly type: "tool_result"; readonly result: ToolMessage })
  | (PartBase & { readonly type: "thinking"; readonly thought: ThinkingBlock });

const PLAIN_TYPES = ["text", "refusal", "image_url", "video_url", "input_audio", "file"];

function isPlain(part: ReadPart): part is ContentPart {
  return part.type !== "tool_use" && part.type !== "tool_result" && part.type !== "thinking";
}

type PartReader = (fields: Fields) => ReadPart;

const PART_READERS: Readonly<Record<string, PartReader>> = {
  text: (fields) => ({
    type: "text",
    path: fields.path,
    text: fields.string("text"),
    cache: parseCacheControl(fields),
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

/** Anthropic's parts, which some clients mix into Chat requests. */
const ANTHROPIC_PART_READERS: Readonly<Record<string, PartReader>> = {
  image: (fields) => ({
    type: "image_url",
    ...partBase(fields),
    url: parseImageSource(fields.object("source")),
  }),
  document: (fields) => ({
    type: "file",
    ...partBase(fields),
    data: parseDocumentSource(fields.object("source")),
    filename: fields.optionalString("title"),
  }),
  tool_use: (fields) => ({
    type: "tool_use",
    ...partBase(fields),
    call: {
      path: fields.path,
      id: fields.string("id"),
      name: fields.string("name"),
      arguments: fields.optionalObject("input")?.whole() ?? {},
    },
  }),
  tool_result: (fields) => {
    const base = partBase(fields);
    return {
      type: "tool_result",
      ...base,
      result: {
        role: "tool",
        path: fields.path,
        toolCallId: fields.string("tool_use_id"),
        idPath: fields.pathOf("tool_use_id"),
        content: plainParts(parseContent(fields)),
        isError: fields.optionalBoolean("is_error") ?? false,
        cache: base.cache,
      },
    };
  },
  thinking: (fields) => ({
    type: "thinking",
    ...partBase(fields),
    thought: {
      type: "thinking",
      thinking: fields.string("thinking"),
      signature: fields.optionalString("signature") || undefined,
    },
  }),
  redacted_thinking: (fields) => ({
    type: "thinking",
    ...partBase(fields),
    thought: { type: "redacted_thinking", data: redactedBlob(fields.string("data")) },
  }),
};

function parsePart(fields: Fields): ReadPart {
  const type = fields.string("type");
  const read = readerOf(PART_READERS, type) ?? readerOf(ANTHROPIC_PART_READERS, type);
  if (read === undefined) throw unexpected(fields.pathOf("type"), oneOf(PLAIN_TYPES), type);
  return read(fields);
}

function readerOf(readers: Readonly<Record<string, PartReader>>, type: string): PartReader | undefined {
  return Object.hasOwn(readers, type) ? readers[type] : undefined;
}

/** The URL of an `image_url` or `video_url`, which some clients send as a plain string. */
function parseUrl(fields: Fields, name: string): UrlField {
  const value = fields.any(name);
  if (typeof value === "string") return { path: fields.pathOf(name), value };
  const object = fields.object(name);
  return { path: object.pathOf("url"), value: object.string("url") };
}

function partBase(fields: Fields): PartBase {
  return { path: fields.path, cache: parseCacheControl(fields) };
}

/** A string as a part. */
export function textPart(text: string, path: string): TextPart {
  return { type: "text", path, text, cache: undefined };
}
