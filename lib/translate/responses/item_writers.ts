/** The items of a response while they are being made: each sends its events, and is whole when it is closed. */

import type { JsonValue } from "../../base/json.ts";
import { WellFormedJsonText, WellFormedText } from "../../base/json_text/json_text.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ItemStatus, OutputItem, UrlCitation } from "../../wire/openai/responses_answer.ts";
import type { Thought } from "../converse/thinking/history.ts";
import { joinBlobs } from "../converse/thinking/blobs.ts";
import { CustomInput } from "./custom_input.ts";
import { encodeThoughts } from "./thoughts.ts";
import type { ClientToolName } from "./tool_table.ts";

/** Sends an event; `members` are those in addition to its type and number. */
export type Emit = (type: string, members: object) => void;

/** Where an item is in the response. */
export interface Place {
  readonly id: string;
  readonly index: number;
  readonly emit: Emit;
}

/** How an item ends. */
export type EndStatus = Exclude<ItemStatus, "in_progress">;

abstract class ItemWriter {
  constructor(private readonly place: Place) {}

  protected get id(): string {
    return this.place.id;
  }

  /** Sends an event about the item or a part of it. */
  protected emit(type: string, members: object): void {
    this.place.emit(type, { item_id: this.place.id, output_index: this.place.index, ...members });
  }

  protected begin(item: OutputItem): void {
    this.place.emit("response.output_item.added", { output_index: this.place.index, item });
  }

  protected finish(item: OutputItem): OutputItem {
    this.place.emit("response.output_item.done", { output_index: this.place.index, item });
    return item;
  }

  /** Sends the rest, and the whole item. */
  abstract close(status: EndStatus): OutputItem;
}

/** A message of text. */
export class MessageWriter extends ItemWriter {
  #text = "";
  readonly #annotations: UrlCitation[] = [];

  constructor(place: Place) {
    super(place);
    this.begin({ id: this.id, type: "message", status: "in_progress", role: "assistant", content: [] });
    this.emit("response.content_part.added", { content_index: 0, part: this.#part() });
  }

  /** In UTF-16 code units. */
  get length(): number {
    return this.#text.length;
  }

  add(delta: string): void {
    if (delta === "") return;
    this.#text += delta;
    this.emit("response.output_text.delta", { content_index: 0, delta, logprobs: [] });
  }

  cite(annotation: UrlCitation): void {
    const annotation_index = this.#annotations.push(annotation) - 1;
    this.emit("response.output_text.annotation.added", { content_index: 0, annotation_index, annotation });
  }

  close(status: EndStatus): OutputItem {
    this.emit("response.output_text.done", { content_index: 0, text: this.#text, logprobs: [] });
    this.emit("response.content_part.done", { content_index: 0, part: this.#part() });
    return this.finish({
      id: this.id,
      type: "message",
      status,
      role: "assistant",
      content: [this.#part()],
    });
  }

  #part() {
    const { annotations, text } = { annotations: [...this.#annotations], text: this.#text };
    return { type: "output_text", text, annotations, logprobs: [] } as const;
  }
}

/** A thought: its text is shown as a summary, and all of it is kept for the model. */
export class ReasoningWriter extends ItemWriter {
  /** As the model signed it. */
  #text = "";
  #shownText = "";
  readonly #shown = new WellFormedText();
  #signature = "";
  readonly #redacted: string[] = [];
  readonly #traits: Pick<ModelTraits, "family" | "reasoningHistory">;

  constructor(place: Place, traits: Pick<ModelTraits, "family" | "reasoningHistory">) {
    super(place);
    this.#traits = traits;
    this.begin({
      id: this.id,
      type: "reasoning",
      status: "in_progress",
      summary: [],
      encrypted_content: null,
    });
  }

  add(text: string): void {
    this.#text += text;
    this.#show(this.#shown.push(text));
  }

  sign(signature: string): void {
    this.#signature += signature;
  }

  redact(blob: string): void {
    this.#redacted.push(blob);
  }

  close(status: EndStatus): OutputItem {
    this.#show(this.#shown.end());
    const text = this.#shownText;
    if (text !== "") {
      this.emit("response.reasoning_summary_text.done", { summary_index: 0, text });
      this.emit("response.reasoning_summary_part.done", {
        summary_index: 0,
        part: { type: "summary_text", text },
      });
    }
    return this.finish({
      id: this.id,
      type: "reasoning",
      status,
      summary: text === "" ? [] : [{ type: "summary_text", text }],
      encrypted_content: encodeThoughts(this.#thoughts(), this.#traits),
    });
  }

  #thoughts(): Thought[] {
    const signed = this.#signature === "" ? {} : { signature: this.#signature };
    return [
      ...(this.#text === "" && this.#signature === "" ? [] : [{ text: this.#text, ...signed }]),
      ...(this.#redacted.length === 0 ? [] : [{ redacted: joinBlobs(this.#redacted) }]),
    ];
  }

  #show(delta: string): void {
    if (delta === "") return;
    if (this.#shownText === "") {
      this.emit("response.reasoning_summary_part.added", {
        summary_index: 0,
        part: { type: "summary_text", text: "" },
      });
    }
    this.#shownText += delta;
    this.emit("response.reasoning_summary_text.delta", { summary_index: 0, delta });
  }
}

/** A call of a tool of any kind. */
export interface CallWriter {
  /** Takes a fragment of the JSON of the call's input. */
  add(json: string): void;
  close(status: EndStatus): OutputItem;
}

export interface StartedCall {
  readonly callId: string;
  readonly tool: ClientToolName;
}

/** The writer for a call, by the kind of its tool. */
export function callWriter(place: Place, call: StartedCall): CallWriter {
  switch (call.tool.kind) {
    case "function":
      return new FunctionWriter(place, call);
    case "custom":
      return new CustomWriter(place, call);
    case "tool_search":
      return new ToolSearchWriter(place, call);
  }
}

/** What function and custom calls have in common. */
function calledTool({ callId, tool: { namespace, name } }: StartedCall) {
  return { call_id: callId, ...(namespace !== undefined && { namespace }), name };
}

class FunctionWriter extends ItemWriter implements CallWriter {
  #arguments = "";
  readonly #shown = new WellFormedJsonText();

  constructor(place: Place, private readonly call: StartedCall) {
    super(place);
    this.begin(this.#item("in_progress"));
  }

  add(json: string): void {
    this.#send(this.#shown.push(json));
  }

  close(status: EndStatus): OutputItem {
    this.#send(this.#shown.end());
    // A call without arguments has an empty input, and empty text is not JSON.
    if (this.#arguments === "" && status === "completed") this.#send("{}");
    this.emit("response.function_call_arguments.done", {
      name: this.call.tool.name,
      arguments: this.#arguments,
    });
    return this.finish(this.#item(status));
  }

  #send(delta: string): void {
    if (delta === "") return;
    this.#arguments += delta;
    this.emit("response.function_call_arguments.delta", { delta });
  }

  #item(status: ItemStatus): OutputItem {
    return {
      id: this.id,
      type: "function_call",
      status,
      ...calledTool(this.call),
      arguments: this.#arguments,
    };
  }
}

class CustomWriter extends ItemWriter implements CallWriter {
  #input = "";
  readonly #json = new CustomInput();

  constructor(place: Place, private readonly call: StartedCall) {
    super(place);
    this.begin(this.#item("in_progress"));
  }

  add(json: string): void {
    this.#send(this.#json.push(json));
  }

  close(status: EndStatus): OutputItem {
    this.#send(this.#json.end());
    this.emit("response.custom_tool_call_input.done", { input: this.#input });
    return this.finish(this.#item(status));
  }

  #send(delta: string): void {
    if (delta === "") return;
    this.#input += delta;
    this.emit("response.custom_tool_call_input.delta", { delta });
  }

  #item(status: ItemStatus): OutputItem {
    return { id: this.id, type: "custom_tool_call", status, ...calledTool(this.call), input: this.#input };
  }
}

/** A search for tools, whose arguments come whole: there is no event for a part of them. */
class ToolSearchWriter extends ItemWriter implements CallWriter {
  #json = "";

  constructor(place: Place, private readonly call: StartedCall) {
    super(place);
    this.begin(this.#item("in_progress", {}));
  }

  add(json: string): void {
    this.#json += json;
  }

  close(status: EndStatus): OutputItem {
    return this.finish(this.#item(status, parseOrEmpty(this.#json)));
  }

  #item(status: ItemStatus, args: JsonValue): OutputItem {
    return {
      id: this.id,
      type: "tool_search_call",
      status,
      call_id: this.call.callId,
      execution: "client",
      arguments: args,
    };
  }
}

function parseOrEmpty(json: string): JsonValue {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}
