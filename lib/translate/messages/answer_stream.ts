/** ConverseStream -> Anthropic Messages: the events of a stream, as server-sent events. */

import { AditError, upstreamProtocol } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { jsonText, WellFormedJsonText, WellFormedText } from "../../base/json_text/json_text.ts";
import type { Usage } from "../../base/usage.ts";
import { encodeSseEvent } from "../../codec/sse.ts";
import { messagesUsage } from "../../wire/anthropic/answer.ts";
import type { AnswerBlock } from "../../wire/anthropic/answer.ts";
import { redactedData } from "../../wire/anthropic/redacted.ts";
import type { BlockDelta, BlockStart, ConverseEvent } from "../../wire/bedrock/converse_stream.ts";
import { anthropicErrorBody } from "../../wire/errors.ts";
import {
  INPUT_WITHOUT_TOOL,
  lateEvent,
  SECOND_ANSWER,
  TEXT_BESIDE_ANSWER,
  UNKNOWN_CITATION,
  unknownBlock,
  unknownEvent,
} from "../converse/anomalies.ts";
import { NO_TOKENS } from "../../wire/usage.ts";
import { type BlockEvent, BlockOrder } from "../converse/block_order.ts";
import { messagesStop } from "./answer.ts";
import type { MessageContext, StopDelta } from "./answer.ts";
import { messagesCitation } from "./citations.ts";
import { encodeMessagesEvent } from "./events.ts";
import { joinBlobs } from "../converse/thinking/blobs.ts";

/** The currently open block; `source` is its index in Converse. */
type Block =
  | {
    readonly type: "text" | "thinking" | "tool_use";
    readonly source: number;
    /** Its index in Messages, which has no gaps for dropped blocks. */
    readonly index: number;
    /** Keeps half a character at the end of a delta for the next one. */
    readonly shown: WellFormedText | WellFormedJsonText;
  }
  /** The tool used for structured output: its input is kept until the end. */
  | { readonly type: "structured"; readonly source: number }
  /** Anthropic sends redacted thinking whole, so its pieces are collected. */
  | { readonly type: "redacted"; readonly source: number; readonly blobs: string[] }
  | { readonly type: "skipped"; readonly source: number };

/** The delta types, each with the member that holds its text. */
const DELTAS = {
  text_delta: "text",
  thinking_delta: "thinking",
  signature_delta: "signature",
  input_json_delta: "partial_json",
  citations_delta: "citation",
} as const;

/** The type of delta for the text of each block. */
const TEXT_DELTAS = {
  text: "text_delta",
  thinking: "thinking_delta",
  tool_use: "input_json_delta",
} as const satisfies Record<"text" | "thinking" | "tool_use", keyof typeof DELTAS>;
type TextDelta = (typeof TEXT_DELTAS)[keyof typeof TEXT_DELTAS];

/** Translates one stream: `push` every event, then `end`, or `fail` after an error. */
export class ConverseStreamToMessages {
  /** What the stream had that Messages cannot represent, for the log and the metrics. */
  readonly anomalies: string[] = [];

  readonly #context: MessageContext;
  readonly #order = new BlockOrder();
  #started = false;
  #block: Block | undefined;
  #blocks = 0;
  #hasToolCalls = false;
  /** Text that is held back until it is known whether the tool for structured output provides the content. */
  #heldText = "";
  #structured: string | undefined;
  #usage: Usage | undefined;
  /** Defined once the message is complete. */
  #stop: { readonly reason: string; readonly delta: StopDelta } | undefined;
  #ended = false;

  constructor(context: MessageContext) {
    this.#context = context;
  }

  /** Defined once Bedrock has reported it. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** Bedrock's own value; defined once the message is complete. */
  get stopReason(): string | undefined {
    return this.#stop?.reason;
  }

  /** Whether the model said that its message is complete; otherwise the end of the stream is an error. */
  get finished(): boolean {
    return this.#stop !== undefined;
  }

  /** Whether the last event has been sent. */
  get isDelivered(): boolean {
    return this.#ended;
  }

  /**
   * The text to send for an event, possibly empty. Throws `upstream_protocol` for a broken tool call, and `model_error`
   * for a malformed structured answer.
   */
  push(event: ConverseEvent): string {
    if (this.finished && event.type !== "metadata") {
      this.#note(lateEvent(event.type));
      return "";
    }
    switch (event.type) {
      case "messageStart":
        return "";
      case "contentBlockStart":
      case "contentBlockDelta":
        return this.#order.holds(event) ? "" : this.#pushBlock(event);
      case "contentBlockStop":
        return this.#order.holds(event) ? "" : this.#pushBlock(event) + this.#pushAll(this.#order.released());
      case "messageStop":
        return this.#complete(event.stopReason);
      case "metadata":
        this.#usage = event.usage;
        return this.finished ? this.#finish() : "";
      case "unknown":
        this.#note(unknownEvent(event.name));
        return "";
    }
  }

  /** The text after the upstream has ended: the rest, or an error if the message was not complete. */
  end(): string {
    if (this.#ended) return "";
    return this.finished ? this.#finish() : this.fail(new AditError("stream_truncated"));
  }

  /** An error event; nothing may follow. */
  fail(error: AditError): string {
    this.#ended = true;
    return encodeSseEvent("error", JSON.stringify(anthropicErrorBody(error, this.#context.requestId)));
  }

  /** Determines the stop reason here, where an invalid message can still fail. */
  #complete(reason: string): string {
    const rest = this.#pushAll(this.#order.rest()) + this.#closeBlock() + this.#sendAnswer();
    const delta = messagesStop(reason, {
      ...this.#context.call,
      hasToolCalls: this.#hasToolCalls,
      anomalies: this.anomalies,
    });
    this.#stop = { reason, delta };
    return rest;
  }

  #pushAll(events: Iterable<BlockEvent>): string {
    let text = "";
    for (const event of events) text += this.#pushBlock(event);
    return text;
  }

  #pushBlock(event: BlockEvent): string {
    switch (event.type) {
      case "contentBlockStart":
        return this.#startBlock(event.index, event.start);
      case "contentBlockDelta":
        return this.#delta(event.index, event.delta);
      case "contentBlockStop":
        return this.#block?.source === event.index ? this.#closeBlock() : "";
    }
  }

  #startBlock(source: number, start: BlockStart): string {
    const closed = this.#closeBlock();
    switch (start.type) {
      case "toolUse": {
        const { call } = this.#context;
        if (start.name === call.structuredTool) {
          const again = this.#structured !== undefined;
          if (again) this.#note(SECOND_ANSWER);
          this.#structured ??= "";
          this.#block = { type: again ? "skipped" : "structured", source };
          return closed;
        }
        this.#hasToolCalls = true;
        const name = call.toolNames.toCaller(start.name);
        return closed +
          this.#openBlock("tool_use", {
            source,
            block: { type: "tool_use", id: start.toolUseId, name, input: {} },
          });
      }
      case "unknown":
        this.#skip(source, start.name);
        return closed;
    }
  }

  #delta(source: number, delta: BlockDelta): string {
    switch (delta.type) {
      case "text":
        return delta.text === "" ? "" : this.#text(source, delta.text);
      case "reasoningText": {
        const opened = this.#ensure("thinking", source);
        return delta.text === "" ? opened : opened + this.#encodePiece("thinking_delta", delta.text);
      }
      case "signature":
        return this.#ensure("thinking", source) + this.#encodeDelta("signature_delta", delta.signature);
      case "redactedContent":
        return this.#redacted(source, delta.data);
      case "toolInput":
        return delta.input === "" ? "" : this.#toolInput(source, delta.input);
      case "citation":
        return this.#citation(source, messagesCitation(delta.citation));
      case "unknown":
        return this.#unknownDelta(source, delta.name);
    }
  }

  #text(source: number, text: string): string {
    if (this.#context.call.structuredTool !== undefined) {
      this.#heldText += text;
      return "";
    }
    return this.#ensure("text", source) + this.#encodePiece("text_delta", text);
  }

  #citation(source: number, citation: JsonObject | undefined): string {
    if (citation === undefined) {
      this.#note(UNKNOWN_CITATION);
      return "";
    }
    // If text is held back, so are its citations.
    if (this.#context.call.structuredTool !== undefined) return "";
    return this.#ensure("text", source) + this.#encodeDelta("citations_delta", citation);
  }

  #toolInput(source: number, input: string): string {
    const block = this.#block;
    if (block?.source === source) {
      switch (block.type) {
        case "tool_use":
          return this.#encodePiece("input_json_delta", input);
        case "structured":
          this.#structured += input;
          return "";
        case "skipped":
          return "";
        case "text":
        case "thinking":
        case "redacted":
          break;
      }
    }
    // The call was sent without it, or never began: either way it would differ from the model's call.
    throw upstreamProtocol(INPUT_WITHOUT_TOOL);
  }

  #redacted(source: number, blob: string): string {
    const block = this.#block;
    if (block?.type === "redacted" && block.source === source) {
      block.blobs.push(blob);
      return "";
    }
    const closed = this.#closeBlock();
    this.#block = { type: "redacted", source, blobs: [blob] };
    return closed;
  }

  /** Opens a block that Bedrock does not announce, unless it is already open. */
  #ensure(type: "text" | "thinking", source: number): string {
    const open = this.#block;
    if (open?.type === type && open.source === source) return "";
    const block: AnswerBlock = type === "text" ? { type, text: "" } : { type, thinking: "", signature: "" };
    return this.#closeBlock() + this.#openBlock(type, { source, block });
  }

  #openBlock(
    type: "text" | "thinking" | "tool_use",
    { source, block }: { readonly source: number; readonly block: AnswerBlock },
  ): string {
    const started = this.#start();
    const index = this.#blocks++;
    const shown = type === "tool_use" ? new WellFormedJsonText() : new WellFormedText();
    this.#block = { type, source, index, shown };
    return started + encodeMessagesEvent({ type: "content_block_start", index, content_block: block });
  }

  /** Closes the open block, if any; Bedrock does not always report the end of a block. */
  #closeBlock(): string {
    const block = this.#block;
    const rest = this.#encodeRest();
    this.#block = undefined;
    switch (block?.type) {
      case undefined:
      case "structured":
      case "skipped":
        return "";
      case "text":
      case "thinking":
      case "tool_use":
        return rest + encodeMessagesEvent({ type: "content_block_stop", index: block.index });
      case "redacted":
        return this.#whole({ type: "redacted_thinking", data: redactedData(joinBlobs(block.blobs)) });
    }
  }

  /** An unknown delta inside a known block; the rest of the block still counts. */
  #unknownDelta(source: number, name: string): string {
    if (this.#block?.source === source) {
      this.#note(unknownBlock(name));
      return "";
    }
    const closed = this.#closeBlock();
    this.#skip(source, name);
    return closed;
  }

  /** A block that arrives in one piece. */
  #whole(block: AnswerBlock): string {
    const started = this.#start();
    const index = this.#blocks++;
    return started + encodeMessagesEvent({ type: "content_block_start", index, content_block: block }) +
      encodeMessagesEvent({ type: "content_block_stop", index });
  }

  #skip(source: number, name: string): void {
    this.#block = { type: "skipped", source };
    this.#note(unknownBlock(name));
  }

  /** Recorded once, however often it occurs. */
  #note(anomaly: string): void {
    if (!this.anomalies.includes(anomaly)) this.anomalies.push(anomaly);
  }

  /** The input of the tool used for structured output, or the text that was held back. */
  #sendAnswer(): string {
    if (this.#structured !== undefined && this.#heldText !== "") this.#note(TEXT_BESIDE_ANSWER);
    // A call without arguments has an empty input, and an empty string is not JSON.
    const text = this.#structured === "" ? "{}" : this.#structured ?? this.#heldText;
    if (text === "") return "";
    return this.#ensure("text", -1) + this.#encodePiece("text_delta", text) + this.#closeBlock();
  }

  #start(): string {
    if (this.#started) return "";
    this.#started = true;
    const { id, model } = this.#context;
    return encodeMessagesEvent({
      type: "message_start",
      message: {
        id,
        type: "message",
        role: "assistant",
        model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        // Bedrock reports token counts at the end; they are sent with `message_delta`.
        usage: messagesUsage(NO_TOKENS),
      },
    });
  }

  #finish(): string {
    if (this.#ended || this.#stop === undefined) return "";
    this.#ended = true;
    const usage = messagesUsage(this.#usage ?? NO_TOKENS);
    return this.#start() + encodeMessagesEvent({ type: "message_delta", delta: this.#stop.delta, usage }) +
      encodeMessagesEvent({ type: "message_stop" });
  }

  /** A piece of the open block's text, without half a character at its end. */
  #encodePiece(type: TextDelta, piece: string): string {
    const block = this.#block;
    const text = block !== undefined && "shown" in block ? block.shown.push(piece) : piece;
    return text === "" ? "" : this.#encodeDelta(type, text);
  }

  /** The rest of a character that was never completed. */
  #encodeRest(): string {
    const block = this.#block;
    const rest = block !== undefined && "shown" in block ? block.shown.end() : "";
    return rest === "" || block === undefined || !("shown" in block)
      ? ""
      : this.#encodeDelta(TEXT_DELTAS[block.type], rest);
  }

  /** A delta of the open block, assembled by hand, because there is one for nearly every token. */
  #encodeDelta(type: keyof typeof DELTAS, value: string | JsonObject): string {
    const block = this.#block;
    const index = block !== undefined && "index" in block ? block.index : 0;
    return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${
      DELTAS[type]
    }":${typeof value === "string" ? JSON.stringify(value) : jsonText(value)}}}\n\n`;
  }
}
