/** Anthropic Messages -> Converse: the system prompt and the messages. */

import { invalidField } from "../../base/errors.ts";
import type { MessageBlock, ResultBlock, TextBlock, ToolResultBlock } from "../../wire/anthropic/content.ts";
import type { Message, MessagesRequest } from "../../wire/anthropic/messages.ts";
import type { SystemBlock, ToolResultContent } from "../../wire/bedrock/converse.ts";
import { isBlank, NO_OUTPUT } from "../converse/members.ts";
import { MessagesMedia } from "./media.ts";
import { redactedToConverse } from "../converse/redacted.ts";
import { toolUseId } from "../converse/tool_names.ts";
import { Turns } from "../converse/turns.ts";
import type { Conversation, ConversationContext } from "../converse/turns.ts";

/**
 * Translates the blocks in order; throws `invalid_request` with the path of what Converse does not support.
 */
export function translateConversation(request: MessagesRequest, context: ConversationContext): Conversation {
  return new ConversationTranslator(context).translate(request);
}

class ConversationTranslator {
  readonly #media = new MessagesMedia();
  readonly #turns: Turns;
  readonly #system: SystemBlock[] = [];
  readonly #calledTools = new Set<string>();

  constructor(private readonly context: ConversationContext) {
    this.#turns = new Turns(context.cachePoints, context.traits);
  }

  translate({ system, messages, cache }: MessagesRequest): Conversation {
    for (const block of system) this.#addSystem(block);
    for (const message of messages) this.#addMessage(message);
    const turns = this.#turns.messages();
    const [first, role] = [turns.at(0), this.#turns.role];
    if (first === undefined || role === undefined) {
      throw invalidField("messages", "at least one user message with content is required");
    }
    if (first.role !== "user") throw invalidField("messages[0].role", 'expected "user", found "assistant"');
    this.#turns.mark(role, cache);
    return { system: this.#system, messages: this.#turns.messages(), calledTools: [...this.#calledTools] };
  }

  #addSystem({ text, cache }: TextBlock): void {
    if (!isBlank(text)) this.#system.push({ text });
    this.context.cachePoints.mark(this.#system, { place: "system", cache });
  }

  #addMessage({ role, content }: Message): void {
    for (const block of content) {
      if (role !== "system") this.#addBlock(role, block);
      else if (block.type === "text") this.#addLateSystem(block);
    }
  }

  /** Text of a system message: ahead of all turns it belongs to the system prompt, between them it stays in its place. */
  #addLateSystem(block: TextBlock): void {
    if (this.#turns.role === undefined) this.#addSystem(block);
    else if (!isBlank(block.text)) {
      this.#turns.addSystem(block.text);
      this.#turns.mark("user", block.cache);
    }
  }

  #addBlock(role: "user" | "assistant", block: MessageBlock): void {
    switch (block.type) {
      case "text":
        if (!isBlank(block.text)) this.#turns.add(role, { text: block.text });
        break;
      case "image":
        this.#turns.add(role, this.#media.image(block));
        break;
      case "document":
        this.#turns.add(role, this.#media.document(block));
        break;
      case "tool_use": {
        this.#calledTools.add(block.name);
        const name = this.context.toolNames.toConverse(block.name);
        this.#turns.add(role, { toolUse: { toolUseId: toolUseId(block.id), name, input: block.input } });
        break;
      }
      case "tool_result":
        this.#addToolResult(role, block);
        break;
      case "thinking": {
        const { thinking: text, signature } = block;
        // Bedrock accepts thinking back only with its signature and unchanged to the character.
        if (signature === undefined) this.context.ignored.add("messages[].content[].thinking");
        else this.#turns.add(role, { reasoningContent: { reasoningText: { text, signature } } });
        break;
      }
      case "redacted_thinking":
        this.#turns.add(role, { reasoningContent: { redactedContent: redactedToConverse(block.data) } });
        break;
    }
    this.#turns.mark(role, block.cache);
  }

  #addToolResult(role: "user" | "assistant", { toolUseId: id, content, isError }: ToolResultBlock): void {
    const blocks = content.flatMap((block) => this.#resultContent(block));
    this.#turns.add(role, {
      toolResult: {
        toolUseId: toolUseId(id),
        content: blocks.length > 0 ? blocks : [{ text: NO_OUTPUT }],
        status: isError ? "error" : undefined,
      },
    });
    // A marker inside the result applies after the result: a cache point is not allowed inside.
    this.#turns.mark(role, content.findLast(({ cache }) => cache !== undefined)?.cache);
  }

  #resultContent(block: ResultBlock): ToolResultContent[] {
    switch (block.type) {
      case "text":
        return isBlank(block.text) ? [] : [{ text: block.text }];
      case "image":
        return [this.#media.image(block)];
      case "document":
        return [this.#media.document(block)];
    }
  }
}
