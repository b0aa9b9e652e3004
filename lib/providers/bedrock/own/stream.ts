/** Server-sent events of Bedrock's own APIs: passed on whole, and read on the side for usage and completeness. */

import { AditError, toAditError } from "../../../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, member } from "../../../base/json.ts";
import type { Usage } from "../../../base/usage.ts";
import type { OwnApi } from "../../../snapshot/snapshot.ts";
import type { Exchange, Head } from "../../transport/exchange.ts";
import { requestIdOf } from "../answer.ts";
import { classifyErrorEvent } from "../classify.ts";
import { type HeldBack, type Hold, type HoldableStream, holdBack } from "../hold.ts";
import { withModelName } from "./model_name.ts";
import { reportRow } from "./reports.ts";

export interface OwnOpening {
  readonly head: Head;
  readonly api: OwnApi;
  /** The name that the caller sent. */
  readonly model: string;
  readonly hold: Hold | undefined;
}

/** Maximum size of one event, which is held in memory until it is complete. */
const MAX_EVENT_CHARS = 16 * 1024 * 1024;

/** The blank line after an event, however its lines end. */
const EVENT_END = /\r\n\r\n|\n\n|\r\r/g;

/** The events of a stream, each as the text that came, except for the name of the model. */
export class OwnStream implements HoldableStream<string> {
  readonly requestId: string | undefined;
  readonly #exchange: Exchange;
  readonly #opening: OwnOpening;
  readonly #decoder = new TextDecoder();
  #held: HeldBack<string> = { pieces: [], pending: undefined };
  /** An unfinished event. */
  #rest = "";
  #ended = false;
  usage: Usage | undefined;
  stopReason: string | undefined;
  /** The error that the stream itself reported, after which it is complete. */
  error: AditError | undefined;
  /** The last event that holds an answer of OpenAI's Responses, for the error of a broken stream. */
  response: JsonObject | undefined;
  sequenceNumber = -1;
  hasContent = false;
  frames = 0;
  bytes = 0;

  private constructor(exchange: Exchange, opening: OwnOpening) {
    this.#exchange = exchange;
    this.#opening = opening;
    this.requestId = requestIdOf(opening.head);
  }

  /** Resolves when the first events have arrived or, with `hold`, the first content. Throws an error before that. */
  static async open(exchange: Exchange, opening: OwnOpening): Promise<OwnStream> {
    const stream = new OwnStream(exchange, opening);
    if (opening.hold !== undefined) {
      stream.#held = await holdBack(stream, opening.hold);
    } else {
      const first = await stream.read();
      stream.#held = { pieces: first === undefined ? [] : [first], pending: undefined };
    }
    if (stream.error !== undefined && !stream.hasContent) throw stream.error;
    return stream;
  }

  /** The text of the next events, or undefined after the last. Throws if the stream breaks off. */
  async next(): Promise<string | undefined> {
    const held = this.#held.pieces.shift();
    if (held !== undefined) return held;
    const { pending } = this.#held;
    this.#held = { pieces: [], pending: undefined };
    return await (pending ?? this.read());
  }

  async read(): Promise<string | undefined> {
    while (true) {
      const chunk = await this.#readChunk();
      if (chunk === undefined) {
        if (!this.#ended) throw new AditError("stream_truncated");
        return undefined;
      }
      this.bytes += chunk.length;
      const text = this.#events(this.#decoder.decode(chunk, { stream: true }));
      if (text !== "") return text;
    }
  }

  /** A connection that is lost after the end of the answer has lost nothing. */
  async #readChunk(): Promise<Uint8Array | undefined> {
    try {
      return await this.#exchange.read();
    } catch (cause) {
      const error = toAditError(cause);
      if (this.#ended && error.kind === "stream_truncated") return undefined;
      throw error;
    }
  }

  /** The text of all events that are complete now. */
  #events(text: string): string {
    // What has been searched is not searched again, except for a blank line that was cut.
    const end = new RegExp(EVENT_END);
    end.lastIndex = Math.max(0, this.#rest.length - 3);
    this.#rest += text;
    let done = "";
    let from = 0;
    for (let found = end.exec(this.#rest); found !== null; found = end.exec(this.#rest)) {
      const [separator] = found;
      done += this.#event(this.#rest.slice(from, found.index)) + separator;
      from = found.index + separator.length;
    }
    this.#rest = this.#rest.slice(from);
    if (this.#rest.length > MAX_EVENT_CHARS) {
      const error = new AditError("upstream_protocol");
      this.#exchange.end(error);
      throw error;
    }
    return done;
  }

  #event(text: string): string {
    const { api, model } = this.#opening;
    this.frames++;
    return text.replace(/((?:^|[\r\n])data: ?)([^\r\n]*)/g, (line, prefix: string, data: string) => {
      if (data === "[DONE]") {
        this.#ended = true;
        return line;
      }
      const event = parse(data);
      if (event === undefined) return line;
      this.#lookAt(event);
      return prefix + withModelName(data, model, reportRow(api).inner);
    });
  }

  #lookAt(event: JsonObject): void {
    const row = reportRow(this.#opening.api);
    this.usage = row.usage(event, this.usage);
    this.stopReason = textOf(row.stopReason(event)) ?? this.stopReason;
    const sequence = event["sequence_number"];
    if (typeof sequence === "number") this.sequenceNumber = sequence;
    const response = event["response"];
    if (isJsonObject(response)) this.response = response;
    const error = row.error(event);
    if (error !== undefined && error !== null) {
      this.#ended = true;
      this.error ??= errorOf(error, this.requestId);
      return;
    }
    if (row.isEnd(event)) this.#ended = true;
    if (!this.hasContent && row.isContent(event)) {
      this.hasContent = true;
      this.#exchange.contentBegan();
    }
  }
}

/** OpenAI's errors have a `code` where Anthropic's have a `type`. */
function errorOf(error: JsonValue, requestId: string | undefined): AditError {
  const code = textOf(member(error, "code")) ?? "";
  const type = KINDS.get(code) ?? member(error, "type") ?? null;
  return classifyErrorEvent({ error: { type, code, message: member(error, "message") ?? null } }, requestId);
}

/** Codes of OpenAI's errors as types of Anthropic's. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ["rate_limit_exceeded", "rate_limit_error"],
  ["server_is_overloaded", "overloaded_error"],
  ["validation_error", "invalid_request_error"],
  ["invalid_prompt", "invalid_request_error"],
  ["context_length_exceeded", "invalid_request_error"],
  ["invalid_encrypted_content", "invalid_request_error"],
  ["previous_response_not_found", "invalid_request_error"],
]);

function parse(text: string): JsonObject | undefined {
  try {
    const value: JsonValue = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
