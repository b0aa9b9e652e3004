/** Chat Completions -> Converse: the messages. */

import { invalidField } from "../../base/errors.ts";
import type { ContentBlock, SystemBlock, ToolResultContent } from "../../wire/bedrock/converse.ts";
import type {
  AssistantMessage,
  ChatMessage,
  ChatToolCall,
  ContentPart,
  TextPart,
  ToolMessage,
} from "../../wire/openai/message_types.ts";
import type { Placed, ThinkingBlock } from "../../wire/openai/thinking.ts";
import { ChatMedia } from "./media.ts";
import { isBlank, NO_OUTPUT } from "../converse/members.ts";
import { trimPrefill } from "../converse/prefill.ts";
import { type Thought, thoughtBlock } from "../converse/thinking/history.ts";
import { placeResult } from "../converse/tools/tool_results.ts";
import { CallIds } from "../converse/tools/tool_names.ts";
import { Turns } from "../converse/turns.ts";
import type { Conversation, ConversationContext } from "../converse/turns.ts";

/**
 * Translates the messages in order; throws `invalid_request` with the path of what Converse does not support.
 */
export function translateMessages(
  messages: readonly ChatMessage[],
  context: ConversationContext,
): Conversation {
  return new ConversationTranslator(context).translate(messages);
}

class ConversationTranslator {
  readonly #media = new ChatMedia();
  readonly #turns: Turns;
  readonly #system: SystemBlock[] = [];
  /** Undefined before the first call. */
  #calledTools: Set<string> | undefined;
  /** Undefined before the first call. */
  #callIds: CallIds | undefined;
  /** The calls in the last assistant turn, by the caller's id. */
  readonly #openCalls = new Map<string, OpenCall>();

  constructor(private readonly context: ConversationContext) {
    this.#turns = new Turns(context.cachePoints, context.traits);
  }

  translate(messages: readonly ChatMessage[]): Conversation {
    for (const message of messages) this.#add(message);
    this.#placeSystem(messages);
    const turns = this.#turns.messages();
    this.#checkEnd(messages, turns);
    if (turns[0]?.role === "assistant") {
      throw invalidField(
        "messages",
        "the conversation must start with a user message, found an assistant message",
      );
    }
    return {
      system: this.#system,
      messages: trimPrefill(turns, this.context, "messages[].content"),
      calledTools: this.#calledTools === undefined ? [] : [...this.#calledTools],
    };
  }

  /**
   * Moves the system prompt into the first user turn if the model does not accept one, or if there are no other
   * messages.
   */
  #placeSystem(messages: readonly ChatMessage[]): void {
    if (this.#system.length === 0) return;
    const isAlone = messages.every(({ role }) => role === "system");
    if (this.context.traits.system !== "none" && !isAlone) return;
    const blocks = this.#system.splice(0);
    const texts = blocks.filter((block) => "text" in block);
    if (texts.length < blocks.length) this.context.ignored.add("messages[].content[].cache_control");
    this.#turns.prepend(texts);
  }

  /** A blank last user message would make the model continue the assistant's previous one. */
  #checkEnd(messages: readonly ChatMessage[], turns: Conversation["messages"]): void {
    const role = turns.at(-1)?.role;
    if (role === "user" || role === "system") return;
    const last = messages.findLast(({ role }) => role !== "system");
    if (last?.role === "user") {
      throw invalidField(`${last.path}.content`, "must not be blank");
    }
    if (role === undefined) {
      throw invalidField("messages", "at least one user message with content is required");
    }
    if (this.context.traits.prefill === "none") {
      throw invalidField(
        last?.path ?? "messages",
        "this model does not continue an assistant message; end with a user or tool message",
      );
    }
  }

  #add(message: ChatMessage): void {
    switch (message.role) {
      case "system":
        for (const part of message.content) this.#addSystemPart(part);
        return;
      case "user":
        for (const part of message.content) this.#addPart("user", part);
        return;
      case "assistant":
        return this.#addAssistant(message);
      case "tool":
        return this.#addToolResult(message);
    }
  }

  #addSystemPart({ text, cache }: TextPart): void {
    if (this.#turns.role === undefined) {
      if (!isBlank(text)) this.#system.push({ text });
      this.context.cachePoints.mark(this.#system, { place: "system", cache });
    } else {
      if (!isBlank(text)) this.#turns.addSystem(text);
      this.#turns.mark("user", cache);
    }
  }

  #addPart(role: "user" | "assistant", part: ContentPart): void {
    if (part.type !== "text") this.#turns.add(role, this.#media.block(part));
    else if (!isBlank(part.text)) this.#turns.add(role, { text: part.text });
    this.#turns.mark(role, part.cache);
  }

  #addAssistant(message: AssistantMessage): void {
    if (this.#turns.role !== "assistant" && this.#openCalls.size > 0) this.#openCalls.clear();
    if (message.thinking.length === 0 && message.reasoning === undefined) {
      for (const part of message.content) this.#addPart("assistant", part);
      for (const call of message.toolCalls) this.#addCall(call);
    } else this.#addThinking(message);
    this.#turns.mark("assistant", message.cache);
  }

  /** A message with thoughts, each at its position. */
  #addThinking(message: AssistantMessage): void {
    const rest = new Unsent(message);
    for (const { block, position } of this.#thoughts(message)) {
      const { content = 0, tool_calls = 0 } = position ?? {};
      for (const part of rest.textUpTo(content)) this.#addPart("assistant", part);
      for (const call of rest.callsUpTo(tool_calls)) this.#addCall(call);
      this.#turns.add("assistant", block);
    }
    for (const part of rest.textUpTo(Infinity)) this.#addPart("assistant", part);
    for (const call of rest.callsUpTo(Infinity)) this.#addCall(call);
  }

  #addCall(call: ChatToolCall): void {
    if (this.#openCalls.has(call.id)) throw invalidField(`${call.path}.id`, "duplicate tool call id");
    (this.#calledTools ??= new Set()).add(call.name);
    const toolUseId = (this.#callIds ??= new CallIds(this.context.traits)).next(call.id);
    this.#openCalls.set(call.id, { name: call.name, toolUseId, result: undefined });
    const name = this.context.toolNames.toConverse(call.name);
    this.#turns.add("assistant", { toolUse: { toolUseId, name, input: call.arguments } });
  }

  /** The thoughts that the model accepts back, each with its position. */
  #thoughts({ thinking, reasoning }: AssistantMessage): PlacedThought[] {
    const { traits, ignored } = this.context;
    if (thinking.length > 0 || reasoning === undefined) {
      return thinking.flatMap((thought): PlacedThought[] => {
        const block = thoughtBlock(asThought(thought), traits);
        if (block === undefined) ignored.add("messages[].thinking_blocks[]");
        return block === undefined ? [] : [{ block, position: thought.position }];
      });
    }
    const block = thoughtBlock({ text: reasoning }, traits);
    if (block === undefined) ignored.add("messages[].reasoning_content");
    return block === undefined ? [] : [{ block, position: undefined }];
  }

  #addToolResult(message: ToolMessage): void {
    const call = this.#openCalls.get(message.toolCallId);
    const before = call?.result;
    if (before !== undefined && isSameResult(before, message)) return;
    if (call === undefined || before !== undefined) {
      throw invalidField(
        message.idPath,
        "must be the id of a tool call in the preceding assistant message that has no result yet",
      );
    }
    call.result = message;
    const content: ToolResultContent[] = [];
    for (const part of message.content) {
      const translated = this.#toolResultContent(part);
      if (translated !== undefined) content.push(translated);
    }
    if (content.length === 0) content.push({ text: NO_OUTPUT });
    const { block, beside } = placeResult(
      {
        toolUseId: call.toolUseId,
        content,
        status: message.isError ? "error" : undefined,
      },
      { traits: this.context.traits, name: call.name },
    );
    this.#turns.add("user", block);
    for (const each of beside) this.#turns.add("user", each);
    if (beside.length > 0) {
      for (const { type } of message.content) {
        if (type !== "text") this.context.ignored.add(`messages[].content[].${type}`);
      }
    }
    // A marker inside the result applies after the result: a cache point is not allowed inside.
    const cache = message.cache ?? message.content.findLast((part) => part.cache !== undefined)?.cache;
    this.#turns.mark("user", cache);
  }

  /** Undefined for blank text. */
  #toolResultContent(part: ContentPart): ToolResultContent | undefined {
    if (part.type === "text") return isBlank(part.text) ? undefined : { text: part.text };
    const block = this.#media.block(part);
    if ("audio" in block) {
      throw invalidField(part.path, "expected text, an image, a document or a video, found audio");
    }
    return block;
  }
}

interface OpenCall {
  /** The caller's name of the tool. */
  readonly name: string;
  readonly toolUseId: string;
  /** Undefined while the call awaits it. */
  result: ToolMessage | undefined;
}

/** Whether a result was sent twice, which clients do when they resume a conversation. */
function isSameResult(one: ToolMessage, other: ToolMessage): boolean {
  const [a, b] = [one, other].map(({ isError, content }) =>
    JSON.stringify([isError, content.map(({ path: _, ...part }) => part)])
  );
  return a === b;
}

/** A thought to send, and its position in the message. */
interface PlacedThought extends Placed {
  readonly block: ContentBlock;
}

function asThought(thought: ThinkingBlock): Thought {
  return thought.type === "redacted_thinking"
    ? { redacted: thought.data }
    : { text: thought.thinking, signature: thought.signature };
}

/** The text and calls of an assistant message that have not been sent yet, in order. */
class Unsent {
  readonly #parts: TextPart[];
  readonly #calls: ChatToolCall[];
  #textTaken = 0;
  #callsTaken = 0;

  constructor({ content, toolCalls }: AssistantMessage) {
    this.#parts = [...content];
    this.#calls = [...toolCalls];
  }

  /** The rest of the message's first `end` code units of text; a part that crosses the end is split. */
  *textUpTo(end: number): Iterable<TextPart> {
    let part = this.#parts[0];
    while (part !== undefined && this.#textTaken < end) {
      const length = Math.min(part.text.length, cutBetweenCharacters(part.text, end - this.#textTaken));
      this.#textTaken += length;
      if (length === part.text.length) {
        this.#parts.shift();
        yield part;
      } else {
        this.#parts[0] = { ...part, text: part.text.slice(length) };
        yield { ...part, text: part.text.slice(0, length), cache: undefined };
      }
      part = this.#parts[0];
    }
  }

  callsUpTo(end: number): ChatToolCall[] {
    const count = Math.max(0, Math.min(end, this.#callsTaken + this.#calls.length) - this.#callsTaken);
    this.#callsTaken += count;
    return this.#calls.splice(0, count);
  }
}

/** `at`, or the next position if it is inside a surrogate pair. */
function cutBetweenCharacters(text: string, at: number): number {
  const isMiddle = (text.codePointAt(at - 1) ?? 0) > 0xffff;
  return isMiddle ? at + 1 : at;
}
