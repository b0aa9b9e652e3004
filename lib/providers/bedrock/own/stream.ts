/** Server-sent events of Bedrock's own APIs: passed on whole, and read on the side for usage and completeness. */

import { decodeUtf8, latin1Bytes, latin1Text } from "../../../base/bytes.ts";
import { AditError, toAditError } from "../../../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, member } from "../../../base/json.ts";
import type { Usage } from "../../../base/usage.ts";
import type { OwnApi } from "../../../snapshot/snapshot.ts";
import type { Exchange, Head } from "../../transport/exchange.ts";
import { requestIdOf } from "../answer.ts";
import { classifyErrorEvent } from "../classify.ts";
import { TOLERATED_AFTER_COMPLETION } from "../event_stream.ts";
import { HeldBack, type Hold, type HoldableStream, holdBack } from "../hold.ts";
import { asciiJson, withModelName } from "./model_name.ts";
import { reportRow } from "./reports.ts";

export interface OwnOpening {
  readonly head: Head;
  readonly api: OwnApi;
  /** The name that the caller sent. */
  readonly model: string;
  readonly hold: Hold | undefined;
}

/** The part of an exchange that a stream uses. */
export type OwnExchange = Pick<Exchange, "contentBegan" | "end" | "read">;

/** Maximum size of one event, which is held in memory until it is complete. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

/** The blank line after an event, however its lines end. */
const EVENT_END = /\r\n\r\n|\n\r?\n|\r\r/g;
/** One less than its length. */
const CUT_END = 3;

/**
 * The events of a stream, byte for byte except for the name of the model. They are processed as Latin-1 text, so that
 * bytes that are not UTF-8 are passed on as well.
 */
export class OwnStream implements HoldableStream<Uint8Array<ArrayBuffer>> {
  readonly requestId: string | undefined;
  readonly #exchange: OwnExchange;
  readonly #opening: OwnOpening;
  readonly #model: string;
  #held = new HeldBack<Uint8Array<ArrayBuffer>>([]);
  /** An unfinished event, without the characters that may begin its end. */
  #rest: string[] = [];
  #tail = "";
  /** Bytes of the unfinished event. */
  #size = 0;
  #ended = false;
  usage: Usage | undefined;
  stopReason: string | undefined;
  /** The error that the stream itself reported, after which it is complete. */
  error: AditError | undefined;
  /** The latest state of a response of OpenAI's Responses, for the error of a broken stream. */
  response: JsonObject | undefined;
  sequenceNumber = -1;
  /** Whether the last event was a failed response, which some clients wait for after an error. */
  isFailed = false;
  hasContent = false;
  frames = 0;
  bytes = 0;

  private constructor(exchange: OwnExchange, opening: OwnOpening) {
    this.#exchange = exchange;
    this.#opening = opening;
    this.#model = asciiJson(opening.model);
    this.requestId = requestIdOf(opening.head);
  }

  /** Resolves when the first events have arrived or, with `hold`, the first content. Throws an error before that. */
  static async open(exchange: OwnExchange, opening: OwnOpening): Promise<OwnStream> {
    const stream = new OwnStream(exchange, opening);
    const { hold } = opening;
    stream.#held = hold === undefined ? HeldBack.of(await stream.read()) : await holdBack(stream, hold);
    if (stream.error !== undefined && !stream.hasContent) throw stream.error;
    return stream;
  }

  /** Whether the last event has arrived. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** The next events, or undefined after the last. Rejects if the stream breaks off. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#held.next(this);
  }

  /** Like `next`, bypassing what is held back. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#exchange.read().then(this.#take, this.#lose);
  }

  // Made once, as in `EventStream`.
  readonly #take = (chunk: Uint8Array<ArrayBuffer> | undefined) => {
    if (chunk === undefined) {
      if (!this.#ended) throw new AditError("stream_truncated");
      return undefined;
    }
    this.bytes += chunk.length;
    const isBetweenEvents = this.#size === 0;
    const { pieces, isChanged } = this.#events(latin1Text(chunk));
    if (pieces.length === 0) return this.read();
    // Most chunks contain whole events and no name.
    const isUnchanged = isBetweenEvents && this.#size === 0 && !isChanged;
    return isUnchanged ? chunk : latin1Bytes(pieces.join(""));
  };

  readonly #lose = (error: unknown): undefined => {
    if (!this.#ended || !TOLERATED_AFTER_COMPLETION.has(toAditError(error).kind)) throw error;
  };

  /** The text of all events that are now complete, and whether it differs from the text received. */
  #events(text: string): { readonly pieces: readonly string[]; readonly isChanged: boolean } {
    const searched = this.#tail + text;
    const pieces: string[] = [];
    let isChanged = false;
    let from = 0;
    EVENT_END.lastIndex = 0;
    for (let found = EVENT_END.exec(searched); found !== null; found = EVENT_END.exec(searched)) {
      const end = searched.slice(from, found.index);
      const event = from === 0 && this.#rest.length > 0 ? this.#rest.join("") + end : end;
      const passedOn = this.#event(event);
      isChanged ||= passedOn !== event;
      pieces.push(passedOn, found[0]);
      from = EVENT_END.lastIndex;
    }
    if (from > 0) this.#rest = [];
    this.#size = from > 0 ? searched.length - from : this.#size + text.length;
    if (this.#size > MAX_EVENT_BYTES) {
      const error = new AditError("upstream_protocol");
      this.#exchange.end(error);
      throw error;
    }
    const cut = Math.max(from, searched.length - CUT_END);
    if (cut > from) this.#rest.push(searched.slice(from, cut));
    this.#tail = searched.slice(cut);
    return { pieces, isChanged };
  }

  #event(text: string): string {
    this.frames++;
    const data = dataOf(text);
    if (data === "[DONE]") {
      this.#ended = true;
      return text;
    }
    const event = parse(data);
    if (event === undefined) return text;
    this.#lookAt(event);
    const named = withModelName(data, this.#model, reportRow(this.#opening.api).inner);
    if (named === data) return text;
    // A name has no line feed, so the number of lines is the same.
    const lines = named.split("\n");
    return text.replace(DATA_LINES, (_line, prefix: string) => prefix + (lines.shift() ?? ""));
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
    this.isFailed = event["type"] === "response.failed";
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

/** The lines of an event with its JSON; a byte order mark may precede the first. */
const DATA_LINES = /((?:^(?:\xef\xbb\xbf)?|[\r\n])data: ?)([^\r\n]*)/g;

/** Their content, joined by line feeds. */
function dataOf(text: string): string {
  DATA_LINES.lastIndex = 0;
  let data = DATA_LINES.exec(text)?.[2];
  if (data === undefined) return "";
  for (let more = DATA_LINES.exec(text); more !== null; more = DATA_LINES.exec(text)) data += `\n${more[2]}`;
  return data;
}

const BEYOND_ASCII = /[^\0-\x7f]/;

/** `text` has one character for each byte. */
function parse(text: string): JsonObject | undefined {
  const decoded = BEYOND_ASCII.test(text) ? decodeUtf8(latin1Bytes(text)) : text;
  try {
    const value: JsonValue = JSON.parse(decoded);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
