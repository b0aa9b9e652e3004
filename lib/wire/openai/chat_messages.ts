/** The messages of a Chat Completions request, read by their roles. */

import { HUGE_NUMBER, isJsonObject, parseExactJson, pathOfHugeNumber } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { invalidField } from "../../base/errors.ts";
import { parseCacheControl } from "../anthropic/cache_control.ts";
import type { CacheControl } from "../anthropic/cache_control.ts";
import { unexpected } from "../fields.ts";
import type { Fields } from "../fields.ts";
import type { AssistantMessage, ChatMessage, ChatToolCall, ContentPart, TextPart } from "./message_types.ts";
import { onlyText, parseContent, parseTextContent, plainPart, plainParts, textPart } from "./parts.ts";
import type { ReadPart } from "./parts.ts";
import { parseReasoningDetails, parseThinkingBlock } from "./thinking.ts";
import type { ThinkingBlock } from "./thinking.ts";

const ROLES = ["system", "developer", "user", "assistant", "tool"] as const;

/** The request's messages. */
export function parseChatMessages(request: Fields): ChatMessage[] {
  const messages = request.items("messages");
  if (messages.length === 0) throw unexpected("messages", "at least one message", request.any("messages"));
  const parsed: ChatMessage[] = [];
  for (const fields of messages) addMessage(fields, parsed);
  return parsed;
}

/** Adds one message, or several if a user message contains tool results, as Anthropic's do. */
function addMessage(fields: Fields, parsed: ChatMessage[]): void {
  const path = fields.path;
  const role = fields.oneOf("role", ROLES);
  const cache = parseCacheControl(fields);
  switch (role) {
    case "system":
    case "developer":
      parsed.push({ role: "system", path, content: markLast(parseTextContent(fields), cache) });
      return;
    case "user":
      addUser(fields, cache, parsed);
      return;
    case "assistant":
      parsed.push(parseAssistant(fields, cache));
      return;
    case "tool":
      parsed.push({
        role,
        path,
        toolCallId: fields.string("tool_call_id"),
        idPath: fields.pathOf("tool_call_id"),
        content: plainParts(parseContent(fields)),
        isError: fields.optionalBoolean("is_error") ?? false,
        cache,
      });
  }
}

function addUser(fields: Fields, cache: CacheControl | undefined, parsed: ChatMessage[]): void {
  const parts = parseContent(fields);
  const others: ContentPart[] = [];
  for (const part of parts) {
    if (part.type === "tool_result") parsed.push(part.result);
    else others.push(plainPart(part));
  }
  if (others.length === 0 && parts.length > 0) return;
  parsed.push({ role: "user", path: fields.path, content: markLast(others, cache) });
}

function parseAssistant(fields: Fields, cache: CacheControl | undefined): AssistantMessage {
  const parts = parseContent(fields);
  const content: TextPart[] = [];
  const toolCalls: ChatToolCall[] = [];
  for (const part of parts) {
    if (part.type === "tool_use") toolCalls.push(part.call);
    else if (part.type !== "thinking") content.push(onlyText(part));
  }
  const refusal = fields.optionalString("refusal");
  if (refusal !== undefined) content.push(textPart(refusal, fields.pathOf("refusal")));
  for (const call of fields.items("tool_calls")) toolCalls.push(parseToolCall(call));
  const { thinking, reasoning } = parseReasoning(fields, parts);
  return { role: "assistant", path: fields.path, content, toolCalls, thinking, reasoning, cache };
}

/** The thoughts as Adit returned them, or else as clients of other gateways and of Anthropic's API send them. */
function parseReasoning(
  fields: Fields,
  parts: readonly ReadPart[],
): Pick<AssistantMessage, "thinking" | "reasoning"> {
  const blocks = fields.items("thinking_blocks");
  const own = blocks.length > 0 ? blocks.map(parseThinkingBlock) : thoughtParts(parts);
  const thinking = own.length > 0 ? own : parseReasoningDetails(fields);
  const reasoning = fields.optionalString("reasoning_content");
  return { thinking, reasoning: reasoning || fields.optionalString("reasoning") || undefined };
}

/** Most messages have none. */
const NO_THOUGHTS: readonly never[] = Object.freeze([]);

function isThought({ type }: ReadPart): boolean {
  return type === "thinking";
}

/** Thoughts among the parts of a message, each with its position. */
function thoughtParts(parts: readonly ReadPart[]): readonly ThinkingBlock[] {
  if (!parts.some(isThought)) return NO_THOUGHTS;
  const thoughts: ThinkingBlock[] = [];
  let content = 0;
  let tool_calls = 0;
  for (const part of parts) {
    if (part.type === "text") content += part.text.length;
    else if (part.type === "tool_use") tool_calls++;
    else if (part.type === "thinking") {
      thoughts.push({ ...part.thought, position: { content, tool_calls } });
    }
  }
  return thoughts;
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

/**
 * The arguments of a call: JSON text, often `""` if there are none. Text that is not a JSON object was written by a
 * model, and perhaps cut off. Refusing it would make every later request of the conversation fail, so the call is sent
 * without arguments and the field is reported.
 */
export function parseArguments(call: Fields): JsonObject {
  const given = call.any("arguments");
  const value = typeof given === "string" ? parseArgumentText(given) : given ?? {};
  if (isJsonObject(value)) {
    if (pathOfHugeNumber(value) !== undefined) throw invalidField(call.pathOf("arguments"), HUGE_NUMBER);
    return value;
  }
  call.ignore("arguments");
  return {};
}

function parseArgumentText(text: string): JsonValue | undefined {
  if (text.trim() === "") return {};
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
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
