/** Chat Completions -> Converse: the messages. */

import { invalidField } from "../../base/errors.ts";
import type { SystemBlock, ToolResultContent } from "../../wire/bedrock/converse.ts";
import type {
  AssistantMessage,
  ChatMessage,
  ContentPart,
  ToolMessage,
} from "../../wire/openai/chat_messages.ts";
import { ChatMedia } from "./media.ts";
import { isBlank, NO_OUTPUT } from "../converse/members.ts";
import { toolUseId } from "../converse/tool_names.ts";
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
  readonly #calledTools = new Set<string>();
  /** Ids of the calls in the previous assistant turn that have no result yet. */
  readonly #openCalls = new Set<string>();

  constructor(private readonly context: ConversationContext) {
    this.#turns = new Turns(context.cachePoints);
  }

  translate(messages: readonly ChatMessage[]): Conversation {
    for (const message of messages) this.#add(message);
    const turns = this.#turns.messages();
    if (turns.length === 0) {
      throw invalidField("messages", "at least one user message with content is required");
    }
    if (turns[0]?.role === "assistant") {
      throw invalidField(
        "messages",
        "the conversation must start with a user message, found an assistant message",
      );
    }
    return { system: this.#system, messages: turns, calledTools: [...this.#calledTools] };
  }

  #add(message: ChatMessage): void {
    switch (message.role) {
      case "system":
        for (const part of message.content) {
          if (!isBlank(part.text)) this.#system.push({ text: part.text });
          this.context.cachePoints.mark(this.#system, { place: "system", cache: part.cache });
        }
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

  #addPart(role: "user" | "assistant", part: ContentPart): void {
    if (part.type !== "text") this.#turns.add(role, this.#media.block(part));
    else if (!isBlank(part.text)) this.#turns.add(role, { text: part.text });
    this.#turns.mark(role, part.cache);
  }

  #addAssistant(message: AssistantMessage): void {
    if (this.#turns.role !== "assistant") this.#openCalls.clear();
    this.#addThinking(message);
    for (const part of message.content) this.#addPart("assistant", part);
    for (const call of message.toolCalls) {
      if (this.#openCalls.has(call.id)) {
        throw invalidField(`${call.path}.id`, "duplicate tool call id");
      }
      this.#calledTools.add(call.name);
      this.#openCalls.add(call.id);
      const name = this.context.toolNames.toConverse(call.name);
      this.#turns.add("assistant", {
        toolUse: { toolUseId: toolUseId(call.id), name, input: call.arguments },
      });
    }
    this.#turns.mark("assistant", message.cache);
  }

  /** Bedrock accepts thinking back only with its signature and unchanged to the character. */
  #addThinking({ thinking, reasoning }: AssistantMessage): void {
    if (thinking.length === 0 && reasoning !== undefined) {
      this.context.ignored.add("messages[].reasoning_content");
    }
    for (const block of thinking) {
      switch (block.type) {
        case "thinking": {
          const { thinking: text, signature } = block;
          if (signature === undefined) this.context.ignored.add("messages[].thinking_blocks[]");
          else this.#turns.add("assistant", { reasoningContent: { reasoningText: { text, signature } } });
          break;
        }
        case "redacted_thinking":
          this.#turns.add("assistant", { reasoningContent: { redactedContent: block.data } });
          break;
      }
    }
  }

  #addToolResult(message: ToolMessage): void {
    if (!this.#openCalls.delete(message.toolCallId)) {
      throw invalidField(
        `${message.path}.tool_call_id`,
        "must be the id of a tool call in the preceding assistant message that has no result yet",
      );
    }
    const content = message.content.flatMap((part) => this.#toolResultContent(part));
    this.#turns.add("user", {
      toolResult: {
        toolUseId: toolUseId(message.toolCallId),
        content: content.length > 0 ? content : [{ text: NO_OUTPUT }],
        status: message.isError ? "error" : undefined,
      },
    });
    // A marker inside the result applies after the result: a cache point is not allowed inside.
    const cache = message.cache ?? message.content.findLast((part) => part.cache !== undefined)?.cache;
    this.#turns.mark("user", cache);
  }

  #toolResultContent(part: ContentPart): ToolResultContent[] {
    if (part.type === "text") return isBlank(part.text) ? [] : [{ text: part.text }];
    const block = this.#media.block(part);
    if ("audio" in block) {
      throw invalidField(part.path, "expected text, an image, a document or a video, found audio");
    }
    return [block];
  }
}
