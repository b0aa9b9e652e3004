/** The messages of a Chat Completions request as read: one type for each role and each kind of content part. */

import type { JsonObject } from "../../base/json.ts";
import type { CacheControl } from "../anthropic/cache_control.ts";
import type { ThinkingBlock } from "./thinking.ts";

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
  /** `messages[3].tool_call_id` */
  readonly idPath: string;
  readonly content: readonly ContentPart[];
  /** `is_error`, an extension. */
  readonly isError: boolean;
  readonly cache: CacheControl | undefined;
}

export type ContentPart = TextPart | ImagePart | AudioPart | VideoPart | FilePart;

/** Members of every part. */
export interface PartBase {
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
