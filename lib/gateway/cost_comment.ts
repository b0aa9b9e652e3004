/** Adds a comment with the cost of the request after the last server-sent event. */

import { encodeUtf8 } from "../base/bytes.ts";
import { encodeSseComment } from "../codec/sse.ts";
import { usdText } from "../facts/cost.ts";
import { PassedSource } from "../server/passed_source.ts";
import type { ByteSource } from "../server/stream.ts";
import type { Call } from "./call.ts";

/** Clients ignore comments. Nothing is added to a response that broke off, or whose cost is unknown. */
export class CostComment extends PassedSource {
  readonly #call: Pick<Call, "cost">;
  #isEnded = false;

  constructor(source: ByteSource, call: Pick<Call, "cost">) {
    super(source);
    this.#call = call;
  }

  override async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#isEnded) return undefined;
    const bytes = await this.source.next();
    if (bytes !== undefined) return bytes;
    this.#isEnded = true;
    const { cost } = this.#call;
    return cost === undefined ? undefined : encodeUtf8(encodeSseComment(`x-adit-cost: ${usdText(cost)}`));
  }
}
