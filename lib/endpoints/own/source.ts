/** The body of a stream that is passed on, and what follows where it breaks off. */

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

/** Whole events, so that an error never follows half of one. */
export class OwnSource implements ByteSource {
  readonly #stream: OwnStream;
  readonly #options: OwnSourceOptions;

  constructor(stream: OwnStream, options: OwnSourceOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const text = await this.#stream.next();
    return text === undefined ? undefined : encodeUtf8(text);
  }

  failure(error: AditError): Uint8Array<ArrayBuffer> {
    return encodeUtf8(this.#failure(error));
  }

  readonly ping = () => encodeUtf8(encodeSseComment("keep-alive"));

  #failure(error: AditError): string {
    const { api, requestId } = this.#options;
    switch (api) {
      case "chat":
        return encodeSseData(jsonText(openAiErrorBody(error)));
      case "messages":
        return encodeSseEvent("error", jsonText(anthropicErrorBody(error, requestId)));
      case "responses":
        return this.#failedResponse(error);
    }
  }

  /** Some clients know only the `error` event, and some only the failed response. */
  #failedResponse(error: AditError): string {
    const { error: { code, message, param } } = openAiErrorBody(error);
    const { response = {}, sequenceNumber } = this.#stream;
    const failed = { ...response, model: this.#options.model, status: "failed", error: { code, message } };
    const event = (type: string, members: object, index: number) =>
      encodeSseEvent(type, jsonText({ type, sequence_number: sequenceNumber + index, ...members }));
    return event("error", { code, message, param }, 1) + event("response.failed", { response: failed }, 2);
  }
}
