/** The body of a stream that is passed on, and the error that follows if it breaks off. */

import { encodeUtf8 } from "../../base/bytes.ts";
import type { AditError } from "../../base/errors.ts";
import { jsonText } from "../../base/json_text/json_text.ts";
import { encodeSseComment, encodeSseData, encodeSseEvent } from "../../codec/sse.ts";
import type { OwnStream } from "../../providers/bedrock/own/stream.ts";
import type { ByteSource } from "../../server/stream.ts";
import type { OwnApi } from "../../snapshot/snapshot.ts";
import { anthropicErrorBody, openAiErrorBody } from "../../wire/errors.ts";

export interface OwnSourceOptions {
  readonly api: OwnApi;
  readonly model: string;
  /** Id of the caller's request. */
  readonly requestId: string;
}

/** Emits whole events, so that an error never follows half of one. */
export class OwnSource implements ByteSource {
  readonly #stream: OwnStream;
  readonly #options: OwnSourceOptions;
  #isEnded = false;

  constructor(stream: OwnStream, options: OwnSourceOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.#stream.next();
    if (bytes !== undefined || this.#isEnded) return bytes;
    this.#isEnded = true;
    const { error, isFailed } = this.#stream;
    // Some clients of Responses ignore an error alone and wait for a failed response.
    return this.#options.api === "responses" && error !== undefined && !isFailed
      ? encodeUtf8(this.#failedResponse(error, 1))
      : undefined;
  }

  isDelivered(): boolean {
    return this.#stream.isEnded && this.#stream.error === undefined;
  }

  failure(error: AditError): Uint8Array<ArrayBuffer> {
    return encodeUtf8(this.#failure(error));
  }

  /**
   * The idle timers of clients of Responses ignore comments. The ping repeats the number of the previous event, so that
   * the following numbers stay in sequence.
   */
  readonly ping = () =>
    encodeUtf8(
      this.#options.api === "responses"
        ? encodeSseEvent(
          "keepalive",
          jsonText({ type: "keepalive", sequence_number: this.#stream.sequenceNumber }),
        )
        : encodeSseComment("keep-alive"),
    );

  #failure(error: AditError): string {
    const { api, requestId } = this.#options;
    switch (api) {
      case "chat":
        return encodeSseData(jsonText(openAiErrorBody(error)));
      case "messages":
        return encodeSseEvent("error", jsonText(anthropicErrorBody(error, requestId)));
      case "responses":
        return this.#errorEvent(error) + this.#failedResponse(error, 2);
    }
  }

  #errorEvent(error: AditError): string {
    const { error: { code, message, param } } = openAiErrorBody(error);
    return this.#event("error", { code, message, param }, 1);
  }

  /** Some clients know only the `error` event, and some only this. */
  #failedResponse(error: AditError, after: number): string {
    const { error: { code, message } } = openAiErrorBody(error);
    const { response = {} } = this.#stream;
    const failed = { ...response, model: this.#options.model, status: "failed", error: { code, message } };
    return this.#event("response.failed", { response: failed }, after);
  }

  #event(type: string, members: object, after: number): string {
    const sequence_number = this.#stream.sequenceNumber + after;
    return encodeSseEvent(type, jsonText({ type, sequence_number, ...members }));
  }
}
