/** Anthropic Messages -> Converse: the system prompt and the messages. */

import { invalidField } from "../../base/errors.ts";
import type {
  MessageBlock,
  ResultBlock,
  SearchResultBlock,
  TextBlock,
  ToolResultBlock,
} from "../../wire/anthropic/content.ts";
import type { Message, MessagesRequest } from "../../wire/anthropic/messages.ts";
import { redactedBlob } from "../../wire/anthropic/redacted.ts";
import type {
  ConverseMessage,
  SearchResultBlock as ConverseSearchResult,
  SystemBlock,
  ToolResultContent,
} from "../../wire/bedrock/converse.ts";
import { isBlank, NO_OUTPUT } from "../converse/members.ts";
import { trimPrefill } from "../converse/prefill.ts";
import { MessagesMedia } from "./media.ts";
import { type Thought, thoughtBlock } from "../converse/thinking/history.ts";
import { CallIds } from "../converse/tools/tool_names.ts";
import { placeResult } from "../converse/tools/tool_results.ts";
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
  readonly #callIds: CallIds;
  /** The names of the called tools so far, by the caller's call id. */
  readonly #calls = new Map<string, string>();
  /** The results of the last calls, by the same ids. */
  readonly #results = new Map<string, ResultOfCall>();

  constructor(private readonly context: ConversationContext) {
    this.#turns = new Turns(context.cachePoints, context.traits);
    this.#callIds = new CallIds(context.traits);
  }

  translate({ system, messages, cache }: MessagesRequest): Conversation {
    for (const block of system) this.#addSystem(block);
    for (const message of messages) this.#addMessage(message);
    this.#placeSystem();
    const { role } = this.#turns;
    if (role === undefined) {
      throw invalidField("messages", "at least one user message with content is required");
    }
    this.#turns.mark(role, cache);
    const turns = this.#turns.messages();
    if (turns[0]?.role !== "user") {
      throw invalidField("messages[0].role", 'expected "user", found "assistant"');
    }
    this.#checkEnd(messages, turns);
    return {
      system: this.#system,
      messages: trimPrefill(turns, this.context, "messages[].content[].text"),
      calledTools: [...this.#calledTools],
    };
  }

  /** Moves the system prompt into the first user turn if the model does not accept one. */
  #placeSystem(): void {
    if (this.#system.length === 0 || this.context.traits.system !== "none") return;
    const texts = this.#system.splice(0).filter((block) => "text" in block);
    this.#turns.prepend(texts);
  }

  /** A blank last user message would make the model continue the assistant's previous one. */
  #checkEnd(messages: readonly Message[], turns: readonly ConverseMessage[]): void {
    if (turns.at(-1)?.role !== "assistant") return;
    const last = messages.findLastIndex(({ role }) => role !== "system");
    if (messages[last]?.role === "user") throw invalidField(`messages[${last}].content`, "must not be blank");
    if (this.context.traits.prefill === "none") {
      throw invalidField(
        `messages[${last}].role`,
        "this model does not continue an assistant message; end with a user message",
      );
    }
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

  /** Text of a system message: before all turns it joins the system prompt, between turns it stays in place. */
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
      case "search_result":
        this.#turns.add(role, this.#searchResult(block));
        break;
      case "tool_use": {
        const { id, name, input } = block;
        this.#calledTools.add(name);
        this.#calls.set(id, name);
        this.#results.delete(id);
        const toolUse = {
          toolUseId: this.#callIds.next(id),
          name: this.context.toolNames.toConverse(name),
          input: input ?? {},
        };
        if (input === undefined) this.context.ignored.add("messages[].content[].input");
        this.#turns.add(role, { toolUse });
        break;
      }
      case "tool_result":
        this.#addToolResult(role, block);
        break;
      case "thinking":
        this.#addThought(role, { text: block.thinking, signature: block.signature });
        break;
      case "redacted_thinking":
        this.#addThought(role, { redacted: redactedBlob(block.data) });
        break;
    }
    this.#turns.mark(role, block.cache);
  }

  #addThought(role: "user" | "assistant", thought: Thought): void {
    const block = thoughtBlock(thought, this.context.traits);
    if (block === undefined) this.context.ignored.add("messages[].content[].thinking");
    else this.#turns.add(role, block);
  }

  #addToolResult(
    role: "user" | "assistant",
    { path, toolUseId: id, content, isError }: ToolResultBlock,
  ): void {
    const known = this.#results.get(id);
    // Some clients repeat a result, which Bedrock refuses even if nothing in it differs.
    if (known !== undefined && resultText(known) === resultText({ content, isError })) return;
    if (known !== undefined) throw invalidField(`${path}.tool_use_id`, "duplicate tool result");
    this.#results.set(id, { content, isError });
    const blocks: ToolResultContent[] = [];
    for (const block of content) {
      const translated = this.#resultContent(block);
      if (translated !== undefined) blocks.push(translated);
    }
    if (blocks.length === 0) blocks.push({ text: NO_OUTPUT });
    const { block, beside } = placeResult({
      toolUseId: this.#callIds.current(id),
      content: blocks,
      status: isError ? "error" : undefined,
    }, { traits: this.context.traits, name: this.#calls.get(id) ?? id });
    this.#turns.add(role, block);
    for (const each of beside) this.#turns.add(role, each);
    if (beside.length > 0) {
      for (const { type } of content) {
        if (type !== "text") this.context.ignored.add(`messages[].content[].content[].${type}`);
      }
    }
    // A marker inside the result applies after the result: a cache point is not allowed inside.
    this.#turns.mark(role, content.findLast(({ cache }) => cache !== undefined)?.cache);
  }

  /** Undefined for blank text. */
  #resultContent(block: ResultBlock): ToolResultContent | undefined {
    switch (block.type) {
      case "text":
        return isBlank(block.text) ? undefined : { text: block.text };
      case "image":
        return this.#media.image(block);
      case "document":
        return this.#media.document(block);
      case "search_result":
        return this.#searchResult(block);
    }
  }

  /** A search result, as text if the model does not accept such blocks. */
  #searchResult(
    { source, title, content, citations }: SearchResultBlock,
  ): { readonly searchResult: ConverseSearchResult } | { readonly text: string } {
    const texts = content.map(({ text }) => text).filter((text) => !isBlank(text));
    if (this.context.traits.searchResults && texts.length > 0) {
      return {
        searchResult: {
          source,
          title,
          content: texts.map((text) => ({ text })),
          citations: { enabled: citations },
        },
      };
    }
    if (citations) this.context.ignored.add("messages[].content[].citations");
    return { text: [`${title} (${source})`, ...texts].join("\n\n") };
  }
}

type ResultOfCall = Pick<ToolResultBlock, "content" | "isError">;

/** The parts in which equal results agree: everything but their paths and cache markers. */
function resultText({ content, isError }: ResultOfCall): string {
  return JSON.stringify([isError, content.map(({ path: _, cache: _mark, ...block }) => block)]);
}
