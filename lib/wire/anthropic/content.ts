/** Content blocks of a Messages request: one type for each kind that Converse supports. */

import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { invalidField } from "../../base/errors.ts";
import { oneOf, unexpected } from "../fields.ts";
import type { Fields } from "../fields.ts";
import { parseCacheControl } from "./cache_control.ts";
import type { CacheControl } from "./cache_control.ts";

export type MessageBlock =
  | TextBlock
  | ImageBlock
  | DocumentBlock
  | SearchResultBlock
  | ToolUseBlock
  | ToolResultBlock
  | ThinkingBlock
  | RedactedThinkingBlock;

interface BlockBase {
  /** `messages[2].content[0]`, or `messages[2].content` for a plain string. */
  readonly path: string;
  readonly cache: CacheControl | undefined;
}
export interface TextBlock extends BlockBase {
  readonly type: "text";
  readonly text: string;
}
export interface ImageBlock extends BlockBase {
  readonly type: "image";
  readonly source: Base64Source;
}
export interface DocumentBlock extends BlockBase {
  readonly type: "document";
  readonly source: Base64Source | { readonly type: "text"; readonly text: string };
  readonly title: string | undefined;
  readonly context: string | undefined;
  /** `citations.enabled` */
  readonly citations: boolean;
}
export interface SearchResultBlock extends BlockBase {
  readonly type: "search_result";
  readonly source: string;
  readonly title: string;
  readonly content: readonly TextBlock[];
  /** `citations.enabled` */
  readonly citations: boolean;
}
export interface ToolUseBlock extends BlockBase {
  readonly type: "tool_use";
  readonly id: string;
  readonly name: string;
  /** Undefined if it is not an object. */
  readonly input: JsonObject | undefined;
}
export interface ToolResultBlock extends BlockBase {
  readonly type: "tool_result";
  readonly toolUseId: string;
  readonly content: readonly ResultBlock[];
  readonly isError: boolean;
}
export type ResultBlock = TextBlock | ImageBlock | DocumentBlock | SearchResultBlock;
export interface ThinkingBlock extends BlockBase {
  readonly type: "thinking";
  readonly thinking: string;
  /** Undefined for thinking from a model that does not sign it. */
  readonly signature: string | undefined;
}
export interface RedactedThinkingBlock extends BlockBase {
  readonly type: "redacted_thinking";
  readonly data: string;
}

export interface Base64Source {
  readonly type: "base64";
  /** `messages[2].content[0].source` */
  readonly path: string;
  readonly mediaType: string;
  readonly data: string;
}

/** Parses a member that is a string or an array of blocks. */
export function parseContent(fields: Fields, name: string): MessageBlock[] {
  return parseBlocks<MessageBlock>(fields, { name, readers: BLOCK_READERS, skips: SERVER_BLOCKS });
}

/** The same for a member that allows only text. */
export function parseTextContent(fields: Fields, name: string): TextBlock[] {
  return parseBlocks(fields, { name, readers: { text: BLOCK_READERS.text } });
}

/** Calls that Anthropic's servers made, and their results: Converse has no form for them. */
const SERVER_BLOCKS = /^(?:server_tool_use|mcp_tool_use|\w+_tool_result)$/;

/** The text of a system message; other blocks, such as changes to the tools, are left out and reported. */
export function parseSystemMessage(fields: Fields, name: string): TextBlock[] {
  return parseBlocks(fields, { name, readers: { text: BLOCK_READERS.text }, skips: /^(?!text$)/ });
}

type Reader<T> = (fields: Fields) => T;
interface BlockOptions<T> {
  readonly name: string;
  readonly readers: Readonly<Record<string, Reader<T>>>;
  /** Types of blocks that are left out. */
  readonly skips?: RegExp;
}

function parseBlocks<T>(
  fields: Fields,
  { name, readers, skips }: BlockOptions<T>,
): (T | TextBlock)[] {
  const content = fields.any(name);
  const path = fields.pathOf(name);
  if (content === undefined) return [];
  if (typeof content === "string") return [{ type: "text", path, text: content, cache: undefined }];
  if (!Array.isArray(content)) throw unexpected(path, "a string or an array of blocks", content);
  return fields.items(name).flatMap((block) => {
    const type = block.string("type");
    if (skips?.test(type)) {
      block.leaveOut(`messages[].content[${type}]`);
      return [];
    }
    const read = Object.hasOwn(readers, type) ? readers[type] : undefined;
    if (read === undefined) throw unexpected(block.pathOf("type"), oneOf(Object.keys(readers)), type);
    return read(block);
  });
}

const RESULT_READERS = {
  text: (fields): TextBlock => ({
    type: "text",
    ...blockBase(fields),
    text: fields.string("text"),
  }),
  image: (fields): ImageBlock => {
    const source = fields.object("source");
    const type = source.string("type");
    if (type !== "base64") throw elsewhere(source, type);
    return {
      type: "image",
      ...blockBase(fields),
      source: readBase64Source(source),
    };
  },
  document: (fields): DocumentBlock => {
    const source = fields.object("source");
    const type = source.string("type");
    const read = Object.hasOwn(DOCUMENT_SOURCES, type) ? DOCUMENT_SOURCES[type] : undefined;
    if (read === undefined) throw elsewhere(source, type);
    const citations = fields.optionalObject("citations");
    return {
      type: "document",
      ...blockBase(fields),
      source: read(source),
      title: fields.optionalString("title"),
      context: fields.optionalString("context") || undefined,
      citations: citations?.optionalBoolean("enabled") ?? false,
    };
  },
  search_result: (fields): SearchResultBlock => ({
    type: "search_result",
    ...blockBase(fields),
    source: fields.string("source"),
    title: fields.string("title"),
    content: parseTextContent(fields, "content"),
    citations: fields.optionalObject("citations")?.optionalBoolean("enabled") ?? false,
  }),
} as const satisfies Record<string, Reader<ResultBlock>>;

const BLOCK_READERS = {
  ...RESULT_READERS,
  tool_use: (fields): ToolUseBlock => {
    // It says who made the call, which is always the model here.
    fields.any("caller");
    return {
      type: "tool_use",
      ...blockBase(fields),
      id: fields.string("id"),
      name: fields.string("name"),
      input: isJsonObject(fields.any("input")) ? fields.object("input").whole() : undefined,
    };
  },
  tool_result: (fields): ToolResultBlock => ({
    type: "tool_result",
    ...blockBase(fields),
    toolUseId: fields.string("tool_use_id"),
    content: parseBlocks<ResultBlock>(fields, { name: "content", readers: RESULT_READERS }),
    isError: fields.optionalBoolean("is_error") ?? false,
  }),
  thinking: (fields): ThinkingBlock => ({
    type: "thinking",
    ...blockBase(fields),
    thinking: fields.string("thinking"),
    signature: fields.optionalString("signature") || undefined,
  }),
  redacted_thinking: (fields): RedactedThinkingBlock => ({
    type: "redacted_thinking",
    ...blockBase(fields),
    data: fields.string("data"),
  }),
} as const satisfies Record<string, Reader<MessageBlock>>;

const DOCUMENT_SOURCES: Readonly<Record<string, Reader<DocumentBlock["source"]>>> = {
  base64: readBase64Source,
  text: (source) => {
    source.optionalString("media_type");
    return { type: "text", text: source.string("data") };
  },
  content: (source) => {
    const blocks = parseTextContent(source, "content");
    return { type: "text", text: blocks.map(({ text }) => text).join("\n\n") };
  },
};

function readBase64Source(source: Fields): Base64Source {
  return {
    type: "base64",
    path: source.path,
    mediaType: source.string("media_type"),
    data: source.string("data"),
  };
}

/** The error for a source that would have to be fetched. */
function elsewhere(source: Fields, type: JsonValue) {
  const known = type === "url" || type === "file";
  return known
    ? invalidField(
      source.pathOf("type"),
      `the gateway cannot fetch a source of type "${type}"; send the data itself`,
    )
    : unexpected(source.pathOf("type"), '"base64"', type);
}

function blockBase(fields: Fields): BlockBase {
  return { path: fields.path, cache: parseCacheControl(fields) };
}
