/** Converse -> Responses: the state of a response from its first event to its last, whole or streamed. */

import { AditError, upstreamProtocol } from "../../base/errors.ts";
import { WellFormedJsonText, WellFormedText } from "../../base/json_text/json_text.ts";
import type { Usage } from "../../base/usage.ts";
import type { AnswerExtras, Citation } from "../../wire/bedrock/converse.ts";
import type { BlockDelta, BlockStart, ConverseEvent } from "../../wire/bedrock/converse_stream.ts";
import type { OutputItem, ResponseHead, ResponseObject } from "../../wire/openai/responses_answer.ts";
import { annotation } from "../converse/annotations.ts";
import { type BlockEvent, BlockOrder } from "../converse/block_order.ts";
import {
  INPUT_WITHOUT_TOOL,
  lateEvent,
  oddStopReason,
  SECOND_ANSWER,
  TEXT_BESIDE_ANSWER,
  UNKNOWN_CITATION,
  unknownBlock,
  unknownEvent,
} from "../converse/anomalies.ts";
import { openAiExtras } from "../converse/extras.ts";
import { isMalformed, stopReasonRow } from "../converse/stop_reasons.ts";
import {
  type CallWriter,
  callWriter,
  type Emit,
  type EndStatus,
  MessageWriter,
  ReasoningWriter,
} from "./item_writers.ts";
import type { Place } from "./item_writers.ts";
import { type AnswerContext, responseHead } from "./head.ts";
import { errorEventCode, responseErrorCode } from "./failures.ts";
import { responsesUsage } from "./usage.ts";

/** The item that events go to. Items never overlap, because clients would mix up their parts. */
type Open =
  | {
    readonly type: "message";
    readonly writer: MessageWriter;
    /** The content block of the text, of which a message may have several. */
    block: number;
    start: number;
    shown: WellFormedText;
    citations: Citation[];
  }
  | { readonly type: "reasoning"; readonly writer: ReasoningWriter; readonly block: number }
  | {
    readonly type: "call";
    readonly writer: CallWriter;
    readonly block: number;
  }
  | {
    readonly type: "structured";
    readonly writer: MessageWriter;
    readonly block: number;
    readonly shown: WellFormedJsonText;
  };

/** Turns the events of one message into items, and sends an event for each step. */
export class ResponseBuilder {
  /** What the message had that Responses cannot represent, for the log and the metrics. */
  readonly anomalies: string[] = [];

  readonly #context: AnswerContext;
  readonly #emit: Emit;
  readonly #head: ResponseHead;
  readonly #output: OutputItem[] = [];
  readonly #order = new BlockOrder();
  #open: Open | undefined;
  readonly #skipped = new Set<number>();
  #structuredSeen = false;
  /** Text that is held back until it is known whether the tool for structured output provides the content. */
  #heldText = "";
  #started = false;
  #usage: Usage | undefined;
  #extras: AnswerExtras = {};
  #stopReason: string | undefined;
  #response: ResponseObject | undefined;

  constructor(context: AnswerContext, emit: Emit) {
    this.#context = context;
    this.#emit = emit;
    this.#head = responseHead(context);
  }

  /** Defined once Bedrock has reported it. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** Bedrock's own value; defined once the message is complete. */
  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  /** Whether the last event has been sent. */
  get isFinished(): boolean {
    return this.#response !== undefined;
  }

  /** Throws `upstream_protocol` for a broken tool call, and `model_error` for a malformed structured answer. */
  push(event: ConverseEvent): void {
    if (this.#stopReason !== undefined && event.type !== "metadata") return this.#note(lateEvent(event.type));
    this.start();
    switch (event.type) {
      case "messageStart":
        return;
      case "contentBlockStart":
      case "contentBlockDelta":
      case "contentBlockStop":
        if (this.#order.holds(event)) return;
        this.#pushBlock(event);
        if (event.type === "contentBlockStop") this.#pushAll(this.#order.released());
        return;
      case "messageStop":
        this.#extras = event;
        return this.#stop(event.stopReason);
      case "metadata":
        this.#usage = event.usage;
        this.#extras = { ...this.#extras, ...event };
        if (this.#stopReason !== undefined) this.finish();
        return;
      case "unknown":
        return this.#note(unknownEvent(event.name));
    }
  }

  /** Sends the events that begin every response. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    const response = this.#object({ status: "in_progress" });
    this.#emit("response.created", { response });
    this.#emit("response.in_progress", { response });
  }

  /** The complete response; throws `stream_truncated` if the message never ended. */
  finish(): ResponseObject {
    const stopReason = this.#stopReason;
    if (stopReason === undefined) throw new AditError("stream_truncated");
    if (this.#response !== undefined) return this.#response;
    const { responses: reason } = stopReasonRow(stopReason, this.#hasCalls());
    const response = this.#object({
      status: reason === "completed" ? "completed" : "incomplete",
      completed_at: reason === "completed" ? this.#context.now() : null,
      incomplete_details: reason === "completed" ? null : { reason },
      output: this.#output,
    });
    this.#response = response;
    this.#emit(`response.${response.status}`, { response });
    return response;
  }

  /** Ends the response with an error; nothing follows. */
  fail(error: AditError): void {
    if (this.#response !== undefined) return;
    this.start();
    const { message, details: { param = null } } = error;
    this.#emit("error", { code: errorEventCode(error), message, param });
    const response = this.#object({
      status: "failed",
      error: { code: responseErrorCode(error), message },
      output: this.#output,
    });
    this.#response = response;
    this.#emit("response.failed", { response });
  }

  #object(members: Pick<ResponseObject, "status"> & Partial<ResponseObject>): ResponseObject {
    const { service_tier = null, ...extras } = openAiExtras(this.#extras);
    return {
      ...this.#head,
      completed_at: null,
      error: null,
      incomplete_details: null,
      output: [],
      usage: this.#usage === undefined ? null : responsesUsage(this.#usage),
      service_tier,
      ...extras,
      ...members,
    };
  }

  #hasCalls(): boolean {
    return this.#output.some(({ type }) => type !== "message" && type !== "reasoning");
  }

  #pushAll(events: Iterable<BlockEvent>): void {
    for (const event of events) this.#pushBlock(event);
  }

  #pushBlock(event: BlockEvent): void {
    switch (event.type) {
      case "contentBlockStart":
        return this.#startBlock(event.index, event.start);
      case "contentBlockDelta":
        return this.#delta(event.index, event.delta);
      case "contentBlockStop":
        return this.#stopBlock(event.index);
    }
  }

  #startBlock(index: number, start: BlockStart): void {
    if (start.type === "unknown") {
      this.#skipped.add(index);
      return this.#note(unknownBlock(start.name));
    }
    const { structuredTool, table } = this.#context.call;
    if (start.name !== structuredTool) {
      const tool = table.toClient(start.name);
      const place = this.#nextPlace(CALL_PREFIXES[tool.kind]);
      const writer = callWriter(place, { callId: start.toolUseId, tool });
      this.#open = { type: "call", writer, block: index };
    } else if (this.#structuredSeen) {
      this.#skipped.add(index);
      this.#note(SECOND_ANSWER);
    } else {
      this.#structuredSeen = true;
      const writer = new MessageWriter(this.#nextPlace("msg"));
      const shown = new WellFormedJsonText();
      this.#open = { type: "structured", writer, block: index, shown };
    }
  }

  #delta(index: number, delta: BlockDelta): void {
    switch (delta.type) {
      case "text":
        if (delta.text === "") return;
        if (this.#context.call.structuredTool !== undefined) this.#heldText += delta.text;
        else {
          const message = this.#message(index);
          message.writer.add(message.shown.push(delta.text));
        }
        return;
      case "toolInput":
        return this.#toolInput(index, delta.input);
      case "citation":
        if (this.#context.call.structuredTool === undefined) {
          this.#message(index).citations.push(delta.citation);
        }
        return;
      case "reasoningText":
        return this.#reasoning(index).add(delta.text);
      case "signature":
        return this.#reasoning(index).sign(delta.signature);
      case "redactedContent":
        return this.#reasoning(index).redact(delta.data);
      case "unknown":
        return this.#note(unknownBlock(delta.name));
    }
  }

  #toolInput(index: number, input: string): void {
    if (input === "" || this.#skipped.has(index)) return;
    const open = this.#open;
    if ((open?.type !== "call" && open?.type !== "structured") || open.block !== index) {
      // The call was sent without it, or never began: either way it would differ from the model's call.
      throw upstreamProtocol(INPUT_WITHOUT_TOOL);
    }
    if (open.type === "call") open.writer.add(input);
    else open.writer.add(open.shown.push(input));
  }

  /** The message for the text of a block: that of the preceding block if nothing came in between. */
  #message(index: number): Open & { type: "message" } {
    const open = this.#open;
    if (open?.type === "message") {
      if (open.block !== index) {
        this.#endText(open);
        Object.assign(open, { block: index, start: open.writer.length, shown: new WellFormedText() });
      }
      return open;
    }
    const writer = new MessageWriter(this.#nextPlace("msg"));
    const shown = new WellFormedText();
    const message: Open = { type: "message", writer, block: index, start: 0, shown, citations: [] };
    this.#open = message;
    return message;
  }

  #reasoning(index: number): ReasoningWriter {
    const open = this.#open;
    if (open?.type === "reasoning" && open.block === index) return open.writer;
    const writer = new ReasoningWriter(this.#nextPlace("rs"), this.#context.call.traits);
    this.#open = { type: "reasoning", writer, block: index };
    return writer;
  }

  #stopBlock(index: number): void {
    const open = this.#open;
    if (open?.type === "message" && open.block === index) this.#endText(open);
  }

  /** Ends the text of a block and adds its citations. */
  #endText(open: Open & { type: "message" }): void {
    open.writer.add(open.shown.end());
    const range = { start: open.start, end: open.writer.length };
    for (const citation of open.citations) {
      const made = annotation(citation, range);
      if (made.type === "url_citation") open.writer.cite({ type: made.type, ...made.url_citation });
      else this.#note(UNKNOWN_CITATION);
    }
    open.citations = [];
  }

  /**
   * Closes the open item. This waits for the next item or the end of the message, which shows whether it was cut off.
   */
  #close(status: EndStatus): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    if (open.type === "message") this.#endText(open);
    if (open.type === "structured") {
      open.writer.add(open.shown.end());
      if (open.writer.length === 0 && status === "completed") open.writer.add("{}");
    }
    this.#output.push(open.writer.close(status));
  }

  /** The place of a new item, once the one before it is closed. */
  #nextPlace(prefix: string): Place {
    this.#close("completed");
    const index = this.#output.length;
    const suffix = this.#context.id.slice(this.#context.id.indexOf("_") + 1);
    return { id: `${prefix}_${suffix}${String(index).padStart(4, "0")}`, index, emit: this.#emit };
  }

  #stop(stopReason: string): void {
    this.#pushAll(this.#order.rest());
    this.#releaseHeldText();
    if (this.#context.call.isStructured && isMalformed(stopReason)) {
      throw new AditError("model_error", `the model's structured answer is malformed (${stopReason})`);
    }
    const row = stopReasonRow(stopReason, this.#hasCalls());
    if (row.anomaly) this.#note(oddStopReason(stopReason));
    this.#close(row.responses === "completed" ? "completed" : "incomplete");
    this.#stopReason = stopReason;
  }

  #releaseHeldText(): void {
    const text = this.#heldText;
    this.#heldText = "";
    if (text === "") return;
    if (this.#structuredSeen) return this.#note(TEXT_BESIDE_ANSWER);
    const writer = new MessageWriter(this.#nextPlace("msg"));
    writer.add(text.toWellFormed());
    this.#open = {
      type: "message",
      writer,
      block: -1,
      start: 0,
      shown: new WellFormedText(),
      citations: [],
    };
  }

  /** Recorded once each, because an upstream may repeat itself indefinitely. */
  #note(anomaly: string): void {
    if (!this.anomalies.includes(anomaly)) this.anomalies.push(anomaly);
  }
}

const CALL_PREFIXES = { function: "fc", custom: "ctc", tool_search: "tsc" } as const;
