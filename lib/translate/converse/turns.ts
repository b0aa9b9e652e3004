/** Messages of any dialect as the strictly alternating turns of Converse. */

import type { ModelTraits } from "../../facts/traits.ts";
import type { ContentBlock, ConverseMessage, SystemBlock } from "../../wire/bedrock/converse.ts";
import type { CacheControl } from "../../wire/anthropic/cache_control.ts";
import type { CachePoints } from "./cache_points.ts";
import { asReminder } from "./late_system.ts";
import type { IgnoredFields } from "./ignored.ts";
import type { ToolNames } from "./tools/tool_names.ts";

/** The system prompt and the messages for Converse. */
export interface Conversation {
  readonly system: readonly SystemBlock[];
  readonly messages: readonly ConverseMessage[];
  /** The caller's names of the tools that were called. */
  readonly calledTools: readonly string[];
}

/** Context for translating a conversation. */
export interface ConversationContext {
  readonly traits: ModelTraits;
  readonly toolNames: ToolNames;
  readonly cachePoints: CachePoints;
  readonly ignored: IgnoredFields;
}

interface Turn {
  readonly role: "user" | "assistant";
  /** Tool results, which the model expects before anything else in the turn. */
  readonly results: ContentBlock[];
  readonly content: ContentBlock[];
}

/** Sent if a turn has documents but no text, which Bedrock refuses. */
const SEE_DOCUMENTS = "(see the attached documents)";

function lacksText(content: readonly ContentBlock[]): boolean {
  let hasDocument = false;
  for (const block of content) {
    if ("text" in block) return false;
    hasDocument ||= "document" in block;
  }
  return hasDocument;
}

/** Collects blocks into turns: neighbors of the same role become one. */
export class Turns {
  readonly #turns: Turn[] = [];
  /** System text between turns; undefined if there is none. */
  #late: Set<ContentBlock> | undefined;

  constructor(
    private readonly cachePoints: CachePoints,
    private readonly traits: Pick<ModelTraits, "system"> = { system: "first" },
  ) {}

  /** The role of the current turn; undefined before the first block. */
  get role(): "user" | "assistant" | undefined {
    return this.#turns[this.#turns.length - 1]?.role;
  }

  add(role: "user" | "assistant", block: ContentBlock): void {
    const turn = this.#turnOf(role);
    ("toolResult" in block ? turn.results : turn.content).push(block);
  }

  /**
   * Adds system text that comes after the first turn. It keeps its place: in a message of role `system` if the model
   * accepts one there, otherwise as text of the user turn.
   */
  addSystem(text: string): void {
    const block: ContentBlock = { text };
    (this.#late ??= new Set()).add(block);
    this.add("user", block);
  }

  /** Puts blocks before all others, in a user turn. */
  prepend(blocks: readonly ContentBlock[]): void {
    if (this.#turns[0]?.role !== "user") this.#turns.unshift({ role: "user", results: [], content: [] });
    this.#turns[0]?.content.unshift(...blocks);
  }

  /** Marks the content of `role` so far. */
  mark(role: "user" | "assistant", cache: CacheControl | undefined): void {
    if (cache === undefined) return;
    const last = this.#turns.at(-1);
    const turn = last?.role === role ? last : undefined;
    const list = turn === undefined ? [] : turn.content.length > 0 ? turn.content : turn.results;
    this.cachePoints.mark(list, { place: "messages", cache });
  }

  messages(): ConverseMessage[] {
    const messages: ConverseMessage[] = [];
    for (const turn of this.#turns) this.#addMessages(turn, messages);
    return messages;
  }

  #addMessages({ role, results, content }: Turn, messages: ConverseMessage[]): void {
    const end = this.#startOfSystemText({ role, results, content });
    const own = this.#joinLateText(end < content.length ? content.slice(0, end) : content);
    const blocks = results.length === 0 ? own : own.length === 0 ? results : [...results, ...own];
    messages.push({ role, content: lacksText(own) ? [...blocks, { text: SEE_DOCUMENTS }] : blocks });
    if (end < content.length) messages.push({ role: "system", content: content.slice(end) });
  }

  /**
   * The index at which the system text at the end of a turn begins; the length of `content` if there is none. Claude
   * accepts a message of role `system` only directly after a user message, and only before an assistant message or at
   * the end.
   */
  #startOfSystemText({ role, results, content }: Turn): number {
    const late = this.#late;
    if (late === undefined || role !== "user" || this.traits.system !== "anywhere") return content.length;
    let start = content.length;
    for (let at = content.length - 1; at >= 0; at--) {
      const block = content[at];
      if (block === undefined) break;
      if (late.has(block)) start = at;
      else if (!("cachePoint" in block)) break;
    }
    return start === 0 && results.length === 0 ? content.length : start;
  }

  /** Joins system text that became user text with the text that follows it. */
  #joinLateText(content: readonly ContentBlock[]): readonly ContentBlock[] {
    const late = this.#late;
    if (late === undefined || !content.some((block) => late.has(block))) return content;
    const joined: ContentBlock[] = [];
    let isLate = false;
    for (const block of content) {
      const last = joined.at(-1);
      if (isLate && "text" in block && last !== undefined && "text" in last) {
        joined[joined.length - 1] = { text: `${last.text}\n\n${this.#userText(block)}` };
      } else joined.push("text" in block ? { text: this.#userText(block) } : block);
      isLate = late.has(block);
    }
    return joined;
  }

  #userText(block: ContentBlock & { readonly text: string }): string {
    return this.#late?.has(block) ? asReminder(block.text) : block.text;
  }

  #turnOf(role: "user" | "assistant"): Turn {
    const last = this.#turns[this.#turns.length - 1];
    if (last?.role === role) return last;
    const turn: Turn = { role, results: [], content: [] };
    this.#turns.push(turn);
    return turn;
  }
}
