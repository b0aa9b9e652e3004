/** ConverseStream -> Chat Completions: the chunks of a stream, as server-sent events. */

import { AditError, upstreamProtocol } from "../../base/errors.ts";
import { jsonText, WellFormedJsonText, WellFormedText } from "../../base/json_text/json_text.ts";
import type { Usage } from "../../base/usage.ts";
import { encodeSseData } from "../../codec/sse.ts";
import type { Citation } from "../../wire/bedrock/converse.ts";
import type { BlockDelta, BlockStart, ConverseEvent } from "../../wire/bedrock/converse_stream.ts";
import { openAiErrorBody } from "../../wire/errors.ts";
import type { Placed, ThinkingBlock } from "../../wire/openai/thinking.ts";
import type { Annotation, FinishReason, OpenAiExtras } from "../../wire/openai/completion.ts";
import { annotation } from "../converse/annotations.ts";
import { openAiExtras } from "../converse/extras.ts";
import { chatUsage } from "./usage.ts";
import {
  INPUT_WITHOUT_TOOL,
  lateEvent,
  SECOND_ANSWER,
  TEXT_BESIDE_ANSWER,
  unknownBlock,
  unknownEvent,
} from "../converse/anomalies.ts";
import { joinBlobs } from "../converse/thinking/blobs.ts";
import { finishReason, thoughtPosition } from "./answer.ts";
import type { CompletionContext } from "./answer.ts";

interface TextBlock {
  readonly type: "text";
  readonly index: number;
  readonly start: number;
  readonly citations: Citation[];
  readonly shown: WellFormedText;
}

/** State of a content block. */
type Block =
  | TextBlock
  | {
    readonly type: "tool";
    readonly position: number;
    hasInput: boolean;
    readonly shown: WellFormedJsonText;
  }
  | { readonly type: "structured"; hasInput: boolean; readonly shown: WellFormedJsonText }
  | {
    readonly type: "reasoning";
    text: string;
    signature: string;
    readonly redacted: string[];
    readonly placed: Placed;
    readonly shown: WellFormedText;
  }
  | { readonly type: "skipped" };

/**
 * Translates one stream: `push` every event, then `end`, or `fail` after an error. Chunks are assembled here rather
 * than by the SSE encoder, because their head is the same for the whole stream and is serialised once.
 */
export class ConverseStreamToChat {
  /** What the stream had that Chat cannot represent, for the log and the metrics. */
  readonly anomalies: string[] = [];

  readonly #context: CompletionContext;
  readonly #head: string;
  /** Whether a tool call may provide the content. */
  readonly #isStructured: boolean;
  readonly #blocks = new Map<number, Block>();
  /** The block of the last delta if it was text; the next delta nearly always belongs to it, too. */
  #text: TextBlock | undefined;
  #usage: Usage | undefined;
  #stopReason: string | undefined;
  #finishReason: FinishReason = "stop";
  #extras: OpenAiExtras = {};
  #started = false;
  #finishSent = false;
  #tools = 0;
  #textLength = 0;
  #structuredSeen = false;
  /** Text that is held back until it is known whether the tool for structured output provides the content. */
  #heldText = "";

  constructor(context: CompletionContext) {
    this.#context = context;
    const { id, created, model, call } = context;
    this.#isStructured = call.structuredTool !== undefined;
    const fields = JSON.stringify({ id, object: "chat.completion.chunk", created, model });
    this.#head = `data: ${fields.slice(0, -1)},"choices":[`;
  }

  /** Defined once Bedrock has reported it. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** Bedrock's own value; defined once the message is complete. */
  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  /** Whether the model said that its message is complete; otherwise the end of the stream is an error. */
  get finished(): boolean {
    return this.#stopReason !== undefined;
  }

  /** `[DONE]` follows the end of the upstream. */
  readonly isDelivered = false;

  /**
   * The text to send for an event; empty when there is nothing to send. Throws `upstream_protocol` for a broken tool
   * call, and `model_error` for a malformed structured answer.
   */
  push(event: ConverseEvent): string {
    if (this.finished && event.type !== "metadata") {
      this.#note(lateEvent(event.type));
      return "";
    }
    switch (event.type) {
      case "messageStart":
        return this.#start();
      case "contentBlockStart":
        return this.#start() + this.#startBlock(event.index, event.start);
      case "contentBlockDelta":
        return this.#start() + this.#delta(event.index, event.delta);
      case "contentBlockStop":
        return this.#stopBlock(event.index);
      case "messageStop":
        return this.#stop(event.stopReason, openAiExtras(event));
      case "metadata":
        this.#usage = event.usage;
        this.#extras = { ...this.#extras, ...openAiExtras(event) };
        return this.finished ? this.#finish() : "";
      case "unknown":
        this.#note(unknownEvent(event.name));
        return "";
    }
  }

  /**
   * The text after the upstream has ended: the rest and `[DONE]`, or an error if the message was not complete.
   */
  end(): string {
    if (!this.finished) return this.fail(new AditError("stream_truncated"));
    return this.#finish() + encodeSseData("[DONE]");
  }

  /** An error event; `[DONE]` must not follow. */
  fail(error: AditError): string {
    return encodeSseData(JSON.stringify(openAiErrorBody(error)));
  }

  /** Determines the finish reason here, where an invalid message can still fail. */
  #stop(stopReason: string, extras: OpenAiExtras): string {
    const rest = this.#start() + this.#stopAllBlocks() + this.#releaseHeldText();
    this.#finishReason = finishReason(stopReason, {
      hasToolCalls: this.#tools > 0,
      anomalies: this.anomalies,
      call: this.#context.call,
    });
    this.#stopReason = stopReason;
    this.#extras = extras;
    return rest;
  }

  #start(): string {
    if (this.#started) return "";
    this.#started = true;
    return this.#chunk('{"role":"assistant","content":""}');
  }

  #startBlock(index: number, start: BlockStart): string {
    switch (start.type) {
      case "toolUse": {
        if (start.name === this.#context.call.structuredTool) {
          this.#setBlock(
            index,
            this.#structuredSeen
              ? { type: "skipped" }
              : { type: "structured", hasInput: false, shown: new WellFormedJsonText() },
          );
          if (this.#structuredSeen) this.#note(SECOND_ANSWER);
          this.#structuredSeen = true;
          return "";
        }
        const position = this.#tools++;
        this.#setBlock(index, { type: "tool", position, hasInput: false, shown: new WellFormedJsonText() });
        const id = JSON.stringify(start.toolUseId);
        const name = JSON.stringify(this.#context.call.toolNames.toCaller(start.name));
        return this.#toolChunk(
          position,
          `"id":${id},"type":"function","function":{"name":${name},"arguments":""}`,
        );
      }
      case "unknown":
        this.#setBlock(index, { type: "skipped" });
        this.#note(unknownBlock(start.name));
        return "";
    }
  }

  #delta(index: number, delta: BlockDelta): string {
    switch (delta.type) {
      case "text":
        return this.#textDelta(index, delta.text);
      case "toolInput":
        return this.#toolInput(index, delta.input);
      case "citation":
        this.#textBlock(index).citations.push(delta.citation);
        return "";
      case "reasoningText": {
        const block = this.#reasoningBlock(index);
        block.text += delta.text;
        return this.#reasoningChunk(block.shown.push(delta.text));
      }
      case "signature":
        this.#reasoningBlock(index).signature += delta.signature;
        return "";
      case "redactedContent":
        this.#reasoningBlock(index).redacted.push(delta.data);
        return "";
      case "unknown":
        // An unknown delta inside a known block; the rest of the block still counts.
        if (!this.#blocks.has(index)) this.#setBlock(index, { type: "skipped" });
        this.#note(unknownBlock(delta.name));
        return "";
    }
  }

  #textDelta(index: number, text: string): string {
    const block = this.#textBlock(index);
    this.#textLength += text.length;
    if (!this.#isStructured) return this.#contentChunk(block.shown.push(text));
    this.#heldText += text;
    return "";
  }

  #toolInput(index: number, input: string): string {
    const block = this.#blocks.get(index);
    if (input === "" || block?.type === "skipped") return "";
    if (block?.type !== "tool" && block?.type !== "structured") {
      // The call was sent without it, or never began: either way it would differ from the model's call.
      throw upstreamProtocol(INPUT_WITHOUT_TOOL);
    }
    block.hasInput = true;
    return this.#inputChunk(block, block.shown.push(input));
  }

  #inputChunk(block: Block & { type: "tool" | "structured" }, input: string): string {
    if (input === "") return "";
    return block.type === "structured"
      ? this.#contentChunk(input)
      : this.#toolChunk(block.position, `"function":{"arguments":${JSON.stringify(input)}}`);
  }

  #setBlock(index: number, block: Block): void {
    this.#blocks.set(index, block);
    this.#text = block.type === "text" ? block : undefined;
  }

  /** The block at `index`; Bedrock does not announce text blocks, so the first delta creates them. */
  #textBlock(index: number): TextBlock {
    if (this.#text?.index === index) return this.#text;
    const block = this.#blocks.get(index);
    if (block?.type === "text") return this.#text = block;
    const made: TextBlock = {
      type: "text",
      index,
      start: this.#textLength,
      citations: [],
      shown: new WellFormedText(),
    };
    this.#setBlock(index, made);
    return made;
  }

  #reasoningBlock(index: number): Block & { type: "reasoning" } {
    const block = this.#blocks.get(index);
    if (block?.type === "reasoning") return block;
    const placed = thoughtPosition(
      { content: this.#textLength, tool_calls: this.#tools },
      this.#context.call,
    );
    const made: Block = {
      type: "reasoning",
      text: "",
      signature: "",
      redacted: [],
      placed,
      shown: new WellFormedText(),
    };
    this.#setBlock(index, made);
    return made;
  }

  #stopBlock(index: number): string {
    const block = this.#blocks.get(index);
    if (block === undefined || !this.#blocks.delete(index)) return "";
    if (block === this.#text) this.#text = undefined;
    switch (block.type) {
      case "text": {
        const range = { start: block.start, end: this.#textLength };
        return this.#contentChunk(block.shown.end()) +
          block.citations.map((citation) => this.#annotationChunk(annotation(citation, range))).join("");
      }
      case "tool":
      case "structured":
        // A call without arguments has an empty input, and empty text is not JSON.
        return this.#inputChunk(block, block.hasInput ? block.shown.end() : "{}");
      case "reasoning":
        return this.#reasoningChunk(block.shown.end()) + this.#thinkingChunks(block);
      case "skipped":
        return "";
    }
  }

  /** Bedrock does not always report the end of a block. */
  #stopAllBlocks(): string {
    return [...this.#blocks.keys()].map((index) => this.#stopBlock(index)).join("");
  }

  #releaseHeldText(): string {
    const text = this.#heldText;
    this.#heldText = "";
    if (text === "") return "";
    if (!this.#structuredSeen) return this.#contentChunk(text.toWellFormed());
    this.#note(TEXT_BESIDE_ANSWER);
    return "";
  }

  #finish(): string {
    if (this.#finishSent) return "";
    this.#finishSent = true;
    const { call } = this.#context;
    const extras = JSON.stringify(this.#extras).slice(1, -1);
    const tail = extras === "" ? "" : `,${extras}`;
    const finish = `${this.#head}{"index":0,"delta":{},"finish_reason":"${this.#finishReason}"}]${tail}}\n\n`;
    if (!call.includeUsage || this.#usage === undefined) return finish;
    return `${finish}${this.#head}],"usage":${JSON.stringify(chatUsage(this.#usage))}}\n\n`;
  }

  /** Recorded once each, because an upstream may repeat itself indefinitely. */
  #note(anomaly: string): void {
    if (!this.anomalies.includes(anomaly)) this.anomalies.push(anomaly);
  }

  #contentChunk(text: string): string {
    return text === "" ? "" : this.#chunk(`{"content":${JSON.stringify(text)}}`);
  }

  #reasoningChunk(text: string): string {
    return text === "" ? "" : this.#chunk(`{"reasoning_content":${JSON.stringify(text)}}`);
  }

  /** `members` are the fields of the call, without its index. */
  #toolChunk(position: number, members: string): string {
    return this.#chunk(`{"tool_calls":[{"index":${position},${members}}]}`);
  }

  #thinkingChunk(block: ThinkingBlock): string {
    return this.#chunk(`{"thinking_blocks":[${jsonText(block)}]}`);
  }

  /** Sent whole, so that a caller can send back exactly what the model signed. */
  #thinkingChunks({ text, signature, redacted, placed }: Block & { type: "reasoning" }): string {
    const signed = signature === ""
      ? ""
      : this.#thinkingChunk({ type: "thinking", thinking: text, signature, ...placed });
    if (redacted.length === 0) return signed;
    return signed + this.#thinkingChunk({ type: "redacted_thinking", data: joinBlobs(redacted), ...placed });
  }

  #annotationChunk(value: Annotation): string {
    return this.#chunk(`{"annotations":[${jsonText(value)}]}`);
  }

  #chunk(delta: string): string {
    return `${this.#head}{"index":0,"delta":${delta},"finish_reason":null}]}\n\n`;
  }
}
