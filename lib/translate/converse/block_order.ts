/** The blocks of a stream one after another, for dialects in which they must not overlap. */

import type { ConverseEvent } from "../../wire/bedrock/converse_stream.ts";

/** An event about a content block. */
export type BlockEvent = Extract<ConverseEvent, { readonly index: number }>;

/**
 * Holds back the events of other blocks while a tool call is open, whose input must not be mixed with anything else.
 */
export class BlockOrder {
  /** Index of the tool call that has not ended. */
  #open: number | undefined;
  /** The events that wait, by block; undefined before the first. */
  #held: Map<number, BlockEvent[]> | undefined;

  /** Keeps an event that has to wait, and returns true; any other event is for the caller to handle now. */
  holds(event: BlockEvent): boolean {
    if (this.#open !== undefined && this.#open !== event.index) {
      this.#hold(event);
      return true;
    }
    if (event.type === "contentBlockStop") this.#open = undefined;
    else if (event.type === "contentBlockStart" && event.start.type === "toolUse") this.#open = event.index;
    return false;
  }

  /** The events that no longer have to wait. A call among them may make the rest wait again. */
  released(): Iterable<BlockEvent> {
    return this.#held === undefined ? NONE : this.#release(this.#held);
  }

  /** The events that still wait at the end of a message; Bedrock does not always report the end of a block. */
  *rest(): Iterable<BlockEvent> {
    while (this.#held !== undefined && this.#held.size > 0) {
      this.#open = undefined;
      yield* this.#release(this.#held);
    }
  }

  #hold(event: BlockEvent): void {
    this.#held ??= new Map();
    const waiting = this.#held.get(event.index);
    if (waiting === undefined) this.#held.set(event.index, [event]);
    else waiting.push(event);
  }

  *#release(held: Map<number, BlockEvent[]>): Iterable<BlockEvent> {
    for (const [index, events] of held) {
      if (this.#open !== undefined) return;
      held.delete(index);
      for (const event of events) if (!this.holds(event)) yield event;
    }
  }
}

const NONE: readonly never[] = Object.freeze([]);
