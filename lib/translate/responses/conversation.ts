/** Responses -> Converse: the input items as turns. */

import { invalidField } from "../../base/errors.ts";
import type { ContentBlock, SystemBlock, ToolResultContent } from "../../wire/bedrock/converse.ts";
import type { InputTransformation } from "../../wire/openai/responses_answer.ts";
import type { CallItem, InputItem, OutputItem, ReasoningItem } from "../../wire/openai/responses_items.ts";
import type { InputPart, TextInput } from "../../wire/openai/responses_parts.ts";
import { readDataUrl } from "../converse/media/data_url.ts";
import { Files, refuseUrl } from "../converse/media/files.ts";
import { imageBlock } from "../converse/media/images.ts";
import { isBlank, NO_OUTPUT } from "../converse/members.ts";
import { trimPrefill } from "../converse/prefill.ts";
import { thoughtBlock } from "../converse/thinking/history.ts";
import { CallIds } from "../converse/tools/tool_names.ts";
import { placeResult } from "../converse/tools/tool_results.ts";
import { type Conversation, type ConversationContext, Turns } from "../converse/turns.ts";
import type { ToolTable } from "./tool_table.ts";
import { decodeThoughts } from "./thoughts.ts";

export interface ItemsContext extends ConversationContext {
  readonly table: ToolTable;
}

/** The conversation, and the reasoning in it that is not sent to the model. */
export interface ResponsesConversation extends Conversation {
  readonly transformations: readonly InputTransformation[];
}

/** Translates instructions and items in order; throws `invalid_request` with the path of what Converse does not support. */
export function translateItems(
  { instructions, items }: {
    readonly instructions: string | undefined;
    readonly items: readonly InputItem[];
  },
  context: ItemsContext,
): ResponsesConversation {
  return new ItemsTranslator(items, context).translate(instructions);
}

class ItemsTranslator {
  readonly #turns: Turns;
  readonly #files = new Files();
  readonly #system: SystemBlock[] = [];
  readonly #calledTools = new Set<string>();
  readonly #callIds: CallIds;
  /** By call id, in order: results are matched to calls by id, wherever they are. */
  readonly #outputs = new Map<string, { readonly items: OutputItem[]; used: number }>();
  /** The calls of the assistant's current turn, by call id. */
  #open = new Map<string, CallItem>();
  /** Thoughts held until the assistant's turn continues: models refuse a turn that ends with one. */
  #thoughts: { readonly item: ReasoningItem; readonly blocks: readonly ContentBlock[] }[] = [];
  readonly #transformations: InputTransformation[] = [];

  constructor(
    private readonly items: readonly InputItem[],
    private readonly context: ItemsContext,
  ) {
    this.#turns = new Turns(context.cachePoints, context.traits);
    this.#callIds = new CallIds(context.traits);
    for (const item of items) {
      if (item.type !== "output") continue;
      const known = this.#outputs.get(item.callId);
      if (known === undefined) this.#outputs.set(item.callId, { items: [item], used: 0 });
      else known.items.push(item);
    }
  }

  translate(instructions: string | undefined): ResponsesConversation {
    if (instructions !== undefined && !isBlank(instructions)) this.#system.push({ text: instructions });
    for (const item of this.items) this.#add(item);
    this.#endAssistantTurn();
    this.#refuseLeftOutputs();
    this.#placeSystem();
    const turns = this.#turns.messages();
    this.#checkTurns(turns);
    return {
      system: this.#system,
      messages: trimPrefill(turns, this.context, "input[].content"),
      calledTools: [...this.#calledTools],
      transformations: this.#transformations,
    };
  }

  #add(item: InputItem): void {
    switch (item.type) {
      case "system":
        this.#endAssistantTurn();
        for (const part of item.content) this.#addSystemPart(part);
        return;
      case "user":
        this.#endAssistantTurn();
        for (const part of item.content) this.#addPart("user", part);
        return;
      case "assistant":
        for (const part of item.content) this.#addPart("assistant", part);
        return;
      case "reasoning":
        return this.#addReasoning(item);
      case "call":
        return this.#addCall(item);
      case "output":
        // Sent after its call's turn.
        return this.#endAssistantTurn();
      case "tools":
        return;
      case "left_out":
        return this.context.ignored.add(`input[${item.name}]`);
    }
  }

  #addSystemPart({ text, cache }: TextInput): void {
    if (this.#turns.role === undefined) {
      if (!isBlank(text)) this.#system.push({ text });
      this.context.cachePoints.mark(this.#system, { place: "system", cache });
    } else {
      if (!isBlank(text)) this.#turns.addSystem(text);
      this.#turns.mark("user", cache);
    }
  }

  #addPart(role: "user" | "assistant", part: InputPart): void {
    if (part.type !== "text") this.#turns.add(role, this.#media(part));
    else if (!isBlank(part.text)) {
      if (role === "assistant") this.#releaseThoughts();
      this.#turns.add(role, { text: part.text });
    }
    this.#turns.mark(role, part.cache);
  }

  #media(part: Exclude<InputPart, TextInput>) {
    if (part.type === "file") {
      return this.#files.block({ path: part.dataPath, data: part.data, filename: part.filename });
    }
    refuseUrl(part.url, "image");
    return imageBlock(readDataUrl(part.url.value, part.url.path).base64, part.url.path);
  }

  /**
   * A thought in the form that the model accepts back: as it was encoded for a client, or as plain text for a model that
   * does not sign its thoughts.
   */
  #addReasoning(item: ReasoningItem): void {
    const { traits, ignored } = this.context;
    if (item.encrypted === undefined) {
      const block = thoughtBlock({ text: item.text }, traits);
      if (block === undefined) ignored.add("input[reasoning]");
      else this.#thoughts.push({ item, blocks: [block] });
      return;
    }
    const decoded = decodeThoughts(item.encrypted, traits, item.encryptedPath);
    if ("blocks" in decoded) this.#thoughts.push({ item, blocks: decoded.blocks });
    else this.#withhold(item, decoded.mismatch);
  }

  #withhold(item: ReasoningItem, reason: InputTransformation["reason"]): void {
    this.context.ignored.add("input[reasoning]");
    this.#transformations.push({ id: item.id ?? item.path, type: "reasoning", action: "removed", reason });
  }

  #releaseThoughts(): void {
    for (const { blocks } of this.#thoughts) for (const block of blocks) this.#turns.add("assistant", block);
    this.#thoughts = [];
  }

  #addCall(call: CallItem): void {
    if (this.#open.has(call.callId)) throw invalidField(call.idPath, "duplicate call id");
    this.#releaseThoughts();
    this.#open.set(call.callId, call);
    const flat = this.context.table.flatName(call);
    this.#calledTools.add(flat);
    this.#turns.add("assistant", {
      toolUse: {
        toolUseId: this.#callIds.next(call.callId),
        name: this.context.toolNames.toConverse(flat),
        input: call.input,
      },
    });
  }

  /** Ends the assistant's turn; the results of its calls begin the user's turn. */
  #endAssistantTurn(): void {
    for (const { item } of this.#thoughts) this.#withhold(item, "turn_boundary");
    this.#thoughts = [];
    if (this.#open.size === 0) return;
    const calls = this.#open;
    this.#open = new Map();
    for (const call of calls.values()) {
      const outputs = this.#outputs.get(call.callId);
      const output = outputs?.items[outputs.used++];
      if (output === undefined) {
        throw invalidField(call.idPath, "no output for this call; send one, or remove the call");
      }
      this.#addOutput(output, call);
    }
  }

  #addOutput(output: OutputItem, call: CallItem): void {
    const content = output.content.flatMap((part) => this.#resultContent(part));
    const { block, beside } = placeResult(
      {
        toolUseId: this.#callIds.current(call.callId),
        content: content.length > 0 ? content : [{ text: NO_OUTPUT }],
      },
      { traits: this.context.traits, name: this.context.table.flatName(call) },
    );
    this.#turns.add("user", block);
    for (const each of beside) this.#turns.add("user", each);
    if (beside.length > 0) {
      for (const { type } of output.content) {
        if (type !== "text") this.context.ignored.add(`input[].output[].${type}`);
      }
    }
    // A marker inside the result applies after the result: a cache point is not allowed inside.
    this.#turns.mark("user", output.content.findLast(({ cache }) => cache !== undefined)?.cache);
  }

  #resultContent(part: InputPart): ToolResultContent[] {
    if (part.type === "text") return isBlank(part.text) ? [] : [{ text: part.text }];
    const block = this.#media(part);
    if ("audio" in block) {
      throw invalidField(part.path, "expected text, an image, a document or a video, found audio");
    }
    return [block];
  }

  #refuseLeftOutputs(): void {
    const left = new Set([...this.#outputs.values()].flatMap(({ items, used }) => items.slice(used)));
    const first = this.items.find((item) => item.type === "output" && left.has(item));
    if (first?.type !== "output") return;
    throw invalidField(first.idPath, "must be the id of a call that has no output yet");
  }

  /**
   * Moves the system prompt into the first user turn if the model does not accept one, or if there are no other
   * messages.
   */
  #placeSystem(): void {
    const isAlone = this.#turns.role === undefined;
    if (this.#system.length === 0 || (this.context.traits.system !== "none" && !isAlone)) return;
    // Instructions without any message are not a prompt; system messages alone are one.
    if (isAlone && !this.items.some(({ type }) => type === "system")) return;
    const blocks = this.#system.splice(0);
    const texts = blocks.filter((block) => "text" in block);
    if (texts.length < blocks.length) this.context.ignored.add("input[].content[].prompt_cache_breakpoint");
    this.#turns.prepend(texts);
  }

  #checkTurns(turns: Conversation["messages"]): void {
    const first = turns[0]?.role;
    const last = turns.at(-1)?.role;
    if (first === undefined) throw invalidField("input", "at least one message with content is required");
    if (first === "assistant") {
      throw invalidField("input", "must start with a user message, found an assistant message");
    }
    if (last !== "assistant") return;
    const item = this.items.findLast(({ type }) => type === "user" || type === "assistant");
    if (item?.type === "user") throw invalidField(`${item.path}.content`, "must not be blank");
    if (this.context.traits.prefill === "none") {
      throw invalidField(
        item?.path ?? "input",
        "this model does not continue an assistant message; end with a user message or a call's output",
      );
    }
  }
}
