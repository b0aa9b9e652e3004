/** InvokeModelWithResponseStream of Claude -> Anthropic Messages: event by event, as server-sent events. */

import { AditError, upstreamProtocol } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import { jsonText, replaceLoneEscapes } from "../../base/json_text/json_text.ts";
import type { Usage } from "../../base/usage.ts";
import { encodeSseEvent } from "../../codec/sse.ts";
import { anthropicErrorBody } from "../../wire/errors.ts";
import { withTracedUnits } from "../../wire/bedrock/guardrail_units.ts";
import { INVOKE_TRACE, METRICS, parseChunk, unwrapChunk } from "../../wire/bedrock/invoke_stream.ts";
import { MESSAGES_USAGE, METRICS_USAGE, readUsage } from "../../wire/usage.ts";
import { withBareTrace } from "./invoke_answer.ts";

export interface InvokeStreamContext {
  /** The model name that the caller sent. */
  readonly model: string;
  /** For the body of an error. */
  readonly requestId: string;
}

// Nearly all events; their text is passed on without parsing.
const DELTA_START = '{"type":"content_block_delta"';
/** A delta with an ARN in a trace cannot be shorter. */
const SHORTEST_TRACE = 150;
const DELTA_HEAD = "event: content_block_delta\ndata: ";

/** Relays one stream: `push` every chunk, then `end`, or `fail` after an error. */
export class InvokeStreamToMessages {
  /** Always empty: the events are Anthropic's own. */
  readonly anomalies: readonly string[] = [];

  readonly #context: InvokeStreamContext;
  #usage: Usage | undefined;
  #stopReason: string | undefined;
  #finished = false;
  #failed = false;

  constructor(context: InvokeStreamContext) {
    this.#context = context;
  }

  /** Usage reported so far. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  /** Whether `message_stop` has been received; otherwise the end of the stream is an error. */
  get finished(): boolean {
    return this.#finished;
  }

  /**
   * The text to send for the payload of a `chunk` frame. Throws `upstream_protocol` if it is not an event of
   * Anthropic's.
   */
  push(payload: Uint8Array): string {
    const text = oneLine(unwrapChunk(payload));
    const json = text.includes("\\u") ? replaceLoneEscapes(text) : text;
    const isTraced = json.length >= SHORTEST_TRACE && json.includes(INVOKE_TRACE);
    if (!isTraced && json.startsWith(DELTA_START)) return `${DELTA_HEAD}${json}\n\n`;
    const event = parseChunk(json);
    const type = event.type;
    // Letters and underscores only, so that the name cannot break out of its line.
    if (typeof type !== "string" || !/^\w+$/.test(type)) {
      throw upstreamProtocol("stream event without a type");
    }
    const edited = withBareTrace(this.#read(event, type));
    return encodeSseEvent(type, edited === event ? json : jsonText(edited));
  }

  /** Whether the model's last event has been sent. */
  get isDelivered(): boolean {
    return this.#finished;
  }

  /** The text after the upstream has ended: none, or an error if the message was not complete. */
  end(): string {
    return this.#finished || this.#failed ? "" : this.fail(new AditError("stream_truncated"));
  }

  /** An error event, after which nothing may follow; empty if the model's own has already been sent. */
  fail(error: AditError): string {
    if (this.#failed) return "";
    this.#failed = true;
    return encodeSseEvent("error", JSON.stringify(anthropicErrorBody(error, this.#context.requestId)));
  }

  /** Records an event; returns a replacement if it must not be passed on unchanged. */
  #read(event: JsonObject, type: string): JsonObject {
    switch (type) {
      case "message_start": {
        const { message } = event;
        if (!isJsonObject(message)) throw upstreamProtocol("message_start without a message");
        this.#usage = readUsage(message.usage, MESSAGES_USAGE, this.#usage);
        return { ...event, message: { ...message, model: this.#context.model } };
      }
      case "message_delta": {
        const stopReason = isJsonObject(event.delta) ? event.delta.stop_reason : undefined;
        if (typeof stopReason === "string") this.#stopReason = stopReason;
        this.#usage = readUsage(event.usage, MESSAGES_USAGE, this.#usage);
        return event;
      }
      case "message_stop": {
        this.#finished = true;
        const { [METRICS]: metrics, ...rest } = event;
        const usage = readUsage(metrics, METRICS_USAGE, this.#usage);
        this.#usage = withTracedUnits(usage, event[INVOKE_TRACE]);
        return metrics === undefined ? event : rest;
      }
      case "error":
        this.#failed = true;
        return event;
    }
    return event;
  }
}

/** JSON on one line; line breaks are only possible outside strings, where white space has no meaning. */
function oneLine(json: string): string {
  return json.includes("\n") || json.includes("\r") ? json.replaceAll(/[\r\n]+/g, " ") : json;
}
