/** The model's prompt, whether from Converse, Claude's native body or Nova's. */

import type { JsonValue } from "../../base/json.ts";
import type { Capabilities } from "./capabilities.ts";
import { countMediaTokens, countTokens } from "./tokens.ts";

export type CacheTtl = "5m" | "1h";

export interface CachePoint {
  readonly kind: "cache_point";
  readonly ttl: CacheTtl;
  /** Whether the request sets `ttl`. */
  readonly isTtlNamed: boolean;
}

/** A cache point; its `ttl` is five minutes by default. */
export function cachePoint(ttl: CacheTtl | undefined): CachePoint {
  return { kind: "cache_point", ttl: ttl ?? "5m", isTtlNamed: ttl !== undefined };
}

export type Part =
  | CachePoint
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "media"; readonly media: Media; readonly bytes: number }
  | { readonly kind: "tool_use"; readonly id: string; readonly name: string; readonly input: JsonValue }
  | { readonly kind: "tool_result"; readonly id: string; readonly text: string }
  | { readonly kind: "reasoning"; readonly text: string; readonly signature: string | undefined }
  | { readonly kind: "redacted"; readonly data: string };

export type Media = "audio" | "document" | "image" | "video";

export interface Turn {
  readonly role: "assistant" | "system" | "user";
  readonly parts: readonly Part[];
}

export interface Tool {
  readonly kind: "tool";
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its input. */
  readonly schema: JsonValue;
  /** Whether the input must satisfy the schema; undefined if not set. */
  readonly strict?: boolean | undefined;
}

export type ToolChoice =
  | { readonly kind: "auto" | "any" | "none" }
  | { readonly kind: "tool"; readonly name: string };

/** The reasoning settings of the request. */
export type Thinking =
  | { readonly kind: "between_tools" | "disabled" | "unset" }
  | { readonly kind: "adaptive"; readonly effort?: string | undefined; readonly display?: string | undefined }
  | { readonly kind: "budget"; readonly tokens: number; readonly display?: string | undefined };

export interface Guardrail {
  readonly id: string;
  readonly version: string;
  readonly trace: boolean;
}

export interface Prompt {
  readonly tools: readonly (CachePoint | Tool)[];
  readonly system: readonly Part[];
  readonly turns: readonly Turn[];
  readonly toolChoice: ToolChoice;
  /** Whether one response may call several tools. */
  readonly parallelTools: boolean;
  readonly maxTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly topK: number | undefined;
  readonly stopSequences: readonly string[];
  readonly thinking: Thinking;
  /** The value of `output_config.effort`. */
  readonly effort: string | undefined;
  /** JSON Schema that the response must satisfy. */
  readonly outputSchema: JsonValue | undefined;
  /** Whether the response must be a JSON object. */
  readonly jsonObject: boolean;
  readonly betaFlags: readonly string[];
  readonly guardrail: Guardrail | undefined;
}

/** Whether the model thinks before it responds, by the request or by default. */
export function isThinking(
  { thinking }: Prompt,
  { thinksByDefault }: Pick<Capabilities, "thinksByDefault">,
): boolean {
  switch (thinking.kind) {
    case "unset":
      return thinksByDefault;
    case "between_tools":
    case "disabled":
      return false;
    case "adaptive":
    case "budget":
      return true;
  }
}

/** A segment of a prompt for the tokenizer and the prompt cache, in reading order. */
export type Segment =
  | { readonly kind: "content"; readonly text: string; readonly tokens: number }
  | CachePoint;

/** Tokens counted for the frame of each message. */
const TURN_TOKENS = 3;

/** The prompt in the model's reading order: tools, system, messages. */
export function segmentsOf(prompt: Prompt): Segment[] {
  const turns = prompt.turns.flatMap(({ role, parts }): Segment[] => [
    { kind: "content", text: role, tokens: TURN_TOKENS },
    ...parts.map(segmentOf),
  ]);
  return [...prompt.tools.map(segmentOf), ...prompt.system.map(segmentOf), ...turns];
}

/** The number of input tokens, including tools and system prompt, cached or not. */
export function countPromptTokens(prompt: Prompt): number {
  return segmentsOf(prompt).reduce(
    (sum, segment) => sum + (segment.kind === "content" ? segment.tokens : 0),
    0,
  );
}

/** The text of the user's last message, its blocks joined with line feeds. */
export function lastUserText(prompt: Prompt): string {
  return lastUserParts(prompt).flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("\n");
}

/** The same without context that clients add in tags, which models do not treat as a request. */
export function lastRequestText(prompt: Prompt): string {
  return lastUserText(prompt).replaceAll(/<system-reminder>[^]*?<\/system-reminder>\s*/g, "");
}

/** The content of the user's last message; empty if there is none. */
export function lastUserParts(prompt: Prompt): readonly Part[] {
  return prompt.turns.findLast(({ role }) => role === "user")?.parts ?? [];
}

function segmentOf(part: Part | Tool): Segment {
  switch (part.kind) {
    case "cache_point":
      return part;
    case "text":
      return content(part.text);
    case "media":
      return { kind: "content", text: `${part.media} ${part.bytes}`, tokens: countMediaTokens(part.bytes) };
    case "tool_use":
      return content(`${part.id} ${part.name} ${JSON.stringify(part.input)}`);
    case "tool_result":
      return content(`${part.id} ${part.text}`);
    case "reasoning":
      return content(part.text);
    case "redacted":
      return content(part.data);
    case "tool":
      return content(`${part.name} ${part.description} ${JSON.stringify(part.schema)}`);
  }
}

function content(text: string): Segment {
  return { kind: "content", text, tokens: countTokens(text) };
}
