/** ConverseStream -> Responses: the events of a stream, as server-sent events. */

import { AditError } from "../../base/errors.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import type { Usage } from "../../base/usage.ts";
import { encodeSseEvent } from "../../codec/sse.ts";
import type { ConverseEvent } from "../../wire/bedrock/converse_stream.ts";
import type { AnswerContext } from "./head.ts";
import { ResponseBuilder } from "./response_builder.ts";

/** Translates one stream: `push` every event, then `end`, or `fail` after an error. */
export class ConverseStreamToResponses {
  readonly #builder: ResponseBuilder;
  #sequence = 0;
  #text = "";

  constructor(context: AnswerContext) {
    this.#builder = new ResponseBuilder(context, (type, members) => this.#send(type, members));
  }

  /** Defined once Bedrock has reported it. */
  get usage(): Usage | undefined {
    return this.#builder.usage;
  }

  /** Bedrock's own value; defined once the message is complete. */
  get stopReason(): string | undefined {
    return this.#builder.stopReason;
  }

  /** Whether the response has been sent whole, or as a failed one. */
  get isDelivered(): boolean {
    return this.#builder.isFinished;
  }

  /** What the stream had that Responses cannot represent, for the log and the metrics. */
  get anomalies(): readonly string[] {
    return this.#builder.anomalies;
  }

  /**
   * The text to send for an event; empty when there is nothing to send. Throws `upstream_protocol` for a broken tool
   * call, and `model_error` for a malformed structured answer; `fail` then returns the text made before that, too.
   */
  push(event: ConverseEvent): string {
    this.#builder.push(event);
    return this.#take();
  }

  /** The text after the upstream has ended: the complete response, or an error if the message was not complete. */
  end(): string {
    if (this.#builder.stopReason === undefined) return this.fail(new AditError("stream_truncated"));
    this.#builder.finish();
    return this.#take();
  }

  /** An `error` event and the failed response: some clients only handle the former, some only the latter. */
  fail(error: AditError): string {
    this.#builder.fail(error);
    return this.#take();
  }

  /** An event to send while idle: the idle timers of clients ignore comments. */
  ping(): string {
    this.#builder.start();
    this.#send("keepalive", {});
    return this.#take();
  }

  #send(type: string, members: object): void {
    this.#text += encodeSseEvent(type, jsonText({ type, sequence_number: this.#sequence++, ...members }));
  }

  #take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }
}
