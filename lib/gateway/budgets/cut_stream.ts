/** Ends a stream when a budget with `cut_streams` has nothing left for it. */

import type { AditError } from "../../base/errors.ts";
import { PassedSource } from "../../server/passed_source.ts";
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
 * After each piece, takes what the stream has used so far from the budgets. The piece for which they have nothing left
 * is the last one sent; unless the response is complete, the refusal follows it.
 */
export class CutStream extends PassedSource {
  readonly #answer: StreamAnswer;
  readonly #call: CutCall;
  #sentBytes = 0;
  #refused: AditError | undefined;

  constructor(answer: StreamAnswer, call: CutCall) {
    super(answer.body);
    this.#answer = answer;
    this.#call = call;
  }

  override async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#refused !== undefined) throw this.#refused;
    const bytes = await this.source.next();
    if (bytes !== undefined && !this.isDelivered()) this.#count(bytes.length);
    return bytes;
  }

  #count(bytes: number): void {
    this.#sentBytes += bytes;
    const { options: { dialect }, hold } = this.#call;
    const { usage } = this.#answer.outcome();
    this.#refused = hold?.outgrow({ dialect, isStream: true, usage, sentBytes: this.#sentBytes }, this.#call);
  }
}
