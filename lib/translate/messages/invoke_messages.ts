/** Anthropic Messages -> InvokeModel of Claude: the conversation, changed where the model would refuse it. */

import { invalidField } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import { asReminder } from "../converse/late_system.ts";
import type { FieldsContext } from "../converse/members.ts";
import { CallIds } from "../converse/tools/tool_names.ts";

/** The body with a conversation that the model accepts; `body` itself if nothing has to change. */
export function fitMessages(body: JsonObject, context: FieldsContext): JsonObject {
  const placed = placeSystemMessages(body, context);
  const { messages } = placed;
  if (!Array.isArray(messages)) return placed;
  refuseBlankEnd(messages);
  const { traits, ignored } = context;
  const history: History = { traits, ignored, calls: new CallIds(), results: new Map() };
  const own = changed(messages, (message) => fitMessage(message, history));
  const last = own.at(-1);
  const trimmed = last === undefined ? last : trimPrefill(last, context);
  const fitted = trimmed === undefined || trimmed === last ? own : own.with(-1, trimmed);
  return fitted === messages ? placed : { ...placed, messages: fitted };
}

/** The model's own refusal does not say which message it is about. */
function refuseBlankEnd(messages: readonly JsonValue[]): void {
  const last = messages.at(-1);
  if (!isJsonObject(last) || last.role !== "user") return;
  const { content } = last;
  if (typeof content !== "string" && !Array.isArray(content)) return;
  if (blocksOf(content).every((block) => isTextBlock(block) && block.text.trim() === "")) {
    throw invalidField(`messages.${messages.length - 1}.content`, "must not be blank");
  }
}

/** The list with each element mapped; the list itself where none changes. */
function changed(
  list: readonly JsonValue[],
  map: (element: JsonValue) => JsonValue | undefined,
): readonly JsonValue[] {
  let kept: JsonValue[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const element = list[index]!;
    const mapped = map(element);
    if (mapped !== element) kept ??= list.slice(0, index);
    if (kept !== undefined && mapped !== undefined) kept.push(mapped);
  }
  return kept ?? list;
}

/**
 * Messages of role `system` stay where the model accepts them. The others move: those before all turns to the end of
 * the system prompt, those between turns to an adjacent user turn, preferably the one before. Their order is kept.
 */
function placeSystemMessages(body: JsonObject, { ignored, traits }: FieldsContext): JsonObject {
  const { messages, system } = body;
  if (!Array.isArray(messages) || !messages.some(isSystemMessage)) return body;
  const leading: JsonValue[] = [];
  const placed: JsonValue[] = [];
  let waiting: JsonValue[] = [];
  messages.forEach((message: JsonValue, index) => {
    if (isSystemMessage(message)) {
      if (stays(message, { traits, before: placed.at(-1), after: messages[index + 1] })) {
        placed.push(message);
        return;
      }
      const blocks = textBlocks(message.content, `messages.${index}.content`, ignored);
      if (placed.length === 0) leading.push(...blocks);
      else waiting.push(...blocks.map((block) => ({ ...block, text: asReminder(block.text) })));
      const last = placed.at(-1);
      if (roleOf(last) === "user" && waiting.length > 0) {
        placed[placed.length - 1] = withBlocks(last, (own) => [...own, ...waiting]);
        waiting = [];
      }
      return;
    }
    if (roleOf(message) === "user" && waiting.length > 0) {
      const late = waiting;
      placed.push(withBlocks(message, (own) => afterResults(own, late)));
    } else {
      if (waiting.length > 0) placed.push({ role: "user", content: waiting });
      placed.push(message);
    }
    waiting = [];
  });
  if (waiting.length > 0) placed.push({ role: "user", content: waiting });
  if (leading.length === 0) return { ...body, messages: placed };
  return { ...body, system: [...blocksOf(system), ...leading], messages: placed };
}

interface Place {
  readonly traits: ModelTraits;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/**
 * Whether the model accepts a system message in its place: after a user turn, last or before an assistant turn, and
 * with text only (https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages).
 */
function stays({ content }: JsonObject, { traits, before, after }: Place): boolean {
  if (traits.system !== "anywhere" && traits.system !== "invoke") return false;
  if (roleOf(before) !== "user" || (after !== undefined && roleOf(after) !== "assistant")) return false;
  const blocks = blocksOf(content);
  return blocks.length > 0 && blocks.every((block) => isTextBlock(block) && block.text.trim() !== "");
}

function isSystemMessage(message: JsonValue): message is JsonObject {
  return roleOf(message) === "system";
}

function roleOf(message: JsonValue | undefined): JsonValue | undefined {
  return isJsonObject(message) ? message.role : undefined;
}

/** Results of calls come before everything else in a turn. */
function afterResults(own: readonly JsonValue[], late: readonly JsonValue[]): JsonValue[] {
  const last = own.findLastIndex((block) => isJsonObject(block) && block.type === "tool_result");
  return [...own.slice(0, last + 1), ...late, ...own.slice(last + 1)];
}

function withBlocks(
  message: JsonValue | undefined,
  map: (own: readonly JsonValue[]) => readonly JsonValue[],
): JsonObject {
  const object = isJsonObject(message) ? message : {};
  return { ...object, content: map(blocksOf(object.content)) };
}

/** The blocks of a message's content; a string is one text block, or none if it is blank, which the model refuses. */
function blocksOf(content: JsonValue | undefined): readonly JsonValue[] {
  if (typeof content === "string") return content.trim() === "" ? [] : [{ type: "text", text: content }];
  return Array.isArray(content) ? content : [];
}

type TextBlock = JsonObject & { readonly text: string };

/** The text of a system message; other blocks, such as changes to the tools, cannot be part of a user turn. */
function textBlocks(
  content: JsonValue | undefined,
  path: string,
  ignored: FieldsContext["ignored"],
): TextBlock[] {
  if (typeof content !== "string" && !Array.isArray(content)) {
    throw invalidField(path, "expected a string or an array of blocks");
  }
  return blocksOf(content).flatMap((block) => {
    if (isTextBlock(block)) return block.text.trim() === "" ? [] : [block];
    ignored.add(`messages[].content[${isJsonObject(block) ? String(block.type) : ""}]`);
    return [];
  });
}

function isTextBlock(block: JsonValue): block is TextBlock {
  return isJsonObject(block) && block.type === "text" && typeof block.text === "string";
}

interface History extends FieldsContext {
  readonly calls: CallIds;
  /** The results of the last calls, by the caller's ids. */
  readonly results: Map<string, JsonObject>;
}

function fitMessage(message: JsonValue, history: History): JsonValue | undefined {
  if (!isJsonObject(message) || !Array.isArray(message.content)) return message;
  const content: readonly JsonValue[] = message.content;
  const fitted = changed(content, (block) => fitBlock(block, history));
  if (fitted === content) return message;
  // A message without content is refused.
  return fitted.length === 0 ? undefined : { ...message, content: fitted };
}

function fitBlock(block: JsonValue, history: History): JsonValue | undefined {
  if (!isJsonObject(block)) return block;
  const { ignored } = history;
  switch (block.type) {
    case "thinking":
      // Claude accepts only its own thoughts, which are signed.
      if (typeof block.signature === "string" && block.signature !== "") return block;
      ignored.add("messages[].content[].thinking");
      return undefined;
    case "tool_use": {
      const call = typeof block.id === "string" ? fitCall(block, block.id, history) : block;
      if (isJsonObject(block.input)) return call;
      ignored.add("messages[].content[].input");
      return { ...call, input: {} };
    }
    case "tool_result":
      return typeof block.tool_use_id === "string" ? fitResult(block, block.tool_use_id, history) : block;
    default:
      return block;
  }
}

function fitCall(block: JsonObject, id: string, { calls, results }: History): JsonObject {
  results.delete(id);
  const sent = calls.next(id);
  return sent === id ? block : { ...block, id: sent };
}

/** The result with the id that its call was sent with; undefined for a repetition of the result before it. */
function fitResult(block: JsonObject, id: string, { calls, results }: History): JsonObject | undefined {
  const before = results.get(id);
  if (before !== undefined && resultText(before) === resultText(block)) return undefined;
  results.set(id, block);
  const sent = calls.current(id);
  return sent === id ? block : { ...block, tool_use_id: sent };
}

/** The parts in which equal results agree: everything but their cache markers. */
function resultText({ cache_control: _mark, ...result }: JsonObject): string {
  return JSON.stringify(result);
}

/** A prefilled answer without the white space at its end, which the model refuses. */
function trimPrefill(message: JsonValue, { traits, ignored }: FieldsContext): JsonValue {
  if (traits.prefill !== "trimmed" || !isJsonObject(message) || message.role !== "assistant") return message;
  const { content } = message;
  const last = Array.isArray(content) ? content.at(-1) : undefined;
  const text = typeof content === "string" ? content : isTextBlock(last) ? last.text : "";
  const trimmed = text.trimEnd();
  if (trimmed === text || trimmed === "") return message;
  ignored.add("messages[].content[].text");
  const fitted = Array.isArray(content) ? [...content.slice(0, -1), { ...last, text: trimmed }] : trimmed;
  return { ...message, content: fitted };
}
