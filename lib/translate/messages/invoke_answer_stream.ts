/** InvokeModelWithResponseStream of Claude -> Anthropic Messages: event by event, as the text of server-sent events. */

import { AditError, upstreamProtocol } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import { encodeSseEvent } from "../../codec/sse.ts";
import { anthropicErrorBody } from "../../wire/errors.ts";
import { METRICS, parseChunk, unwrapChunk } from "../../wire/bedrock/invoke_stream.ts";
import { MESSAGES_USAGE, METRICS_USAGE, readUsage } from "../../wire/usage.ts";

export interface InvokeStreamContext {
  /** The name that the caller used. */
  readonly model: string;
  /** For the body of an error. */
  readonly requestId: string;
}

// Nearly all events are these: their text is passed on unread.
const DELTA_START = '{"type":"content_block_delta"';
const DELTA_HEAD = "event: content_block_delta\ndata: ";

/** Passes on one stream: `push` every chunk, then `end`, or `fail` when something broke. */
export class InvokeStreamToMessages {
  /** What the stream held that Messages has no place for: nothing, since its events are Anthropic's own. */
  readonly anomalies: readonly string[] = [];

  readonly #context: InvokeStreamContext;
  #usage: Usage | undefined;
  #stopReason: string | undefined;
  #finished = false;
  #failed = false;

  constructor(context: InvokeStreamContext) {
    this.#context = context;
  }

  /** What has been told so far. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  /** Whether `message_stop` has come; only then may the stream end well. */
  get finished(): boolean {
    return this.#finished;
  }

  /** The text to send for the payload of a `chunk` frame. Throws `upstream_protocol` for what is no event of Anthropic's. */
  push(payload: Uint8Array): string {
    const json = oneLine(unwrapChunk(payload));
    if (json.startsWith(DELTA_START)) return `${DELTA_HEAD}${json}\n\n`;
    const event = parseChunk(json);
    const type = event.type;
    // Letters alone, so that the name cannot break out of its line.
    if (typeof type !== "string" || !/^\w+$/.test(type)) {
      throw upstreamProtocol("the stream held an event without a type");
    }
    const edited = this.#read(event, type);
    return encodeSseEvent(type, edited === event ? json : JSON.stringify(edited));
  }

  /** The text after the upstream has ended: none, or an error if the message was not complete. */
  end(): string {
    return this.#finished || this.#failed ? "" : this.fail(new AditError("stream_truncated"));
  }

  /** One error event, after which nothing may follow: none if the model's own has been sent. */
  fail(error: AditError): string {
    if (this.#failed) return "";
    this.#failed = true;
    return encodeSseEvent("error", JSON.stringify(anthropicErrorBody(error, this.#context.requestId)));
  }

  /** Takes note of an event; gives another one where it must not pass as it is. */
  #read(event: JsonObject, type: string): JsonObject {
    switch (type) {
      case "message_start": {
        const { message } = event;
        if (!isJsonObject(message)) throw upstreamProtocol("the stream held message_start without a message");
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
        this.#usage = readUsage(metrics, METRICS_USAGE, this.#usage);
        return metrics === undefined ? event : rest;
      }
      case "error":
        this.#failed = true;
        return event;
    }
    return event;
  }
}

/** JSON on one line; outside of strings, where alone a line break may stand, white space means nothing. */
function oneLine(json: string): string {
  return json.includes("\n") || json.includes("\r") ? json.replaceAll(/[\r\n]+/g, " ") : json;
}
