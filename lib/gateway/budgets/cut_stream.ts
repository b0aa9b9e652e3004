/** Streams that end when a budget with `cut_streams` has nothing left for them. */

import type { AditError } from "../../base/errors.ts";
import type { ByteSource } from "../../server/stream.ts";
import type { Hold } from "../admission/admit.ts";
import type { Price } from "../admission/ending.ts";
import type { Dialect } from "../dialect.ts";
import type { StreamAnswer } from "../outcome.ts";

/** The request of a stream. */
export interface CutCall extends Price {
  readonly options: { readonly dialect: Dialect };
  readonly hold?: Pick<Hold, "outgrow"> | undefined;
}

/**
 * After each piece, takes from the budgets what the stream has used so far. The piece for which they have nothing left is
 * the last one that is sent; the refusal follows it, unless the response is complete.
 */
export class CutStream implements ByteSource {
  readonly #answer: StreamAnswer;
  readonly #call: CutCall;
  readonly ping: ByteSource["ping"];
  #sentBytes = 0;
  #refused: AditError | undefined;

  constructor(answer: StreamAnswer, call: CutCall) {
    this.#answer = answer;
    this.#call = call;
    this.ping = answer.body.ping?.bind(answer.body);
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#refused !== undefined) throw this.#refused;
    const bytes = await this.#answer.body.next();
    if (bytes !== undefined && !this.isDelivered()) this.#count(bytes.length);
    return bytes;
  }

  isDelivered(): boolean {
    return this.#answer.body.isDelivered?.() ?? false;
  }

  failure(error: AditError): Uint8Array<ArrayBuffer> {
    return this.#answer.body.failure(error);
  }

  #count(bytes: number): void {
    this.#sentBytes += bytes;
    const { options: { dialect }, hold } = this.#call;
    const { usage } = this.#answer.outcome();
    this.#refused = hold?.outgrow({ dialect, usage, sentBytes: this.#sentBytes }, this.#call);
  }
}
