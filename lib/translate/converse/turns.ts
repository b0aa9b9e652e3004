/** Messages of any dialect as the strictly alternating turns of Converse. */

import type { ModelTraits } from "../../facts/traits.ts";
import type { ContentBlock, ConverseMessage, SystemBlock } from "../../wire/bedrock/converse.ts";
import type { CacheControl } from "../../wire/anthropic/cache_control.ts";
import type { CachePoints } from "./cache_points.ts";
import type { IgnoredFields } from "./ignored.ts";
import type { ToolNames } from "./tool_names.ts";

/** The system prompt and the messages for Converse. */
export interface Conversation {
  readonly system: readonly SystemBlock[];
  readonly messages: readonly ConverseMessage[];
  /** The caller's names of the tools that were called. */
  readonly calledTools: readonly string[];
}

/** Input of the translation of a conversation. */
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
  return content.some((block) => "document" in block) && !content.some((block) => "text" in block);
}

/** Collects blocks into turns: consecutive blocks of the same role are merged. */
export class Turns {
  readonly #turns: Turn[] = [];

  constructor(private readonly cachePoints: CachePoints) {}

  /** The role of the current turn; undefined before the first block. */
  get role(): "user" | "assistant" | undefined {
    return this.#turns.at(-1)?.role;
  }

  add(role: "user" | "assistant", block: ContentBlock): void {
    const turn = this.#turnOf(role);
    ("toolResult" in block ? turn.results : turn.content).push(block);
  }

  /** Puts a cache point after what `role` has said so far. */
  mark(role: "user" | "assistant", cache: CacheControl | undefined): void {
    if (cache === undefined) return;
    const last = this.#turns.at(-1);
    const turn = last?.role === role ? last : undefined;
    const list = turn === undefined ? [] : turn.content.length > 0 ? turn.content : turn.results;
    this.cachePoints.mark(list, { place: "messages", cache });
  }

  messages(): ConverseMessage[] {
    return this.#turns.map(({ role, results, content }) => {
      const blocks = results.length === 0 ? content : [...results, ...content];
      return { role, content: lacksText(content) ? [...blocks, { text: SEE_DOCUMENTS }] : blocks };
    });
  }

  #turnOf(role: "user" | "assistant"): Turn {
    const last = this.#turns.at(-1);
    if (last?.role === role) return last;
    const turn: Turn = { role, results: [], content: [] };
    this.#turns.push(turn);
    return turn;
  }
}
