/** A request that asks to be admitted: who asks for what, and how many tokens it will probably need. */

import type { Plan } from "../../snapshot/plan.ts";
import type { Dialect } from "../dialect.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";

/**
 * What a request counts as: `requests` runs no model; `tokens` runs one whose token counts Bedrock reports;
 * `unmetered` runs one whose counts it does not report; `units` runs none, and is billed by the units of a guardrail.
 */
export type Counted = "requests" | "tokens" | "unmetered" | "units";

/** What the body of a request shows of its size. */
export interface RequestSize {
  /** UTF-8 bytes of its text, without encoded images and documents. */
  readonly textBytes: number;
  readonly images: number;
  /** Decoded bytes of documents and other media. */
  readonly documentBytes: number;
  /** The request's own limit on the length of the response. */
  readonly maxOutputTokens: number | undefined;
}

/** The tokens that a request will probably need. */
export interface TokenEstimate {
  readonly inputTokens: number;
  /** The longest possible response: the request's own limit, the model's default, or the model's maximum. */
  readonly maxOutputTokens: number;
  /** A response that is seldom exceeded; at most the longest possible one. */
  readonly typicalOutputTokens: number;
}

export interface AskedParts {
  /** Id of the request. */
  readonly id: string;
  readonly snapshot: Snapshot;
  readonly caller: Caller;
  readonly plan: Plan;
  readonly counts: Counted;
  readonly dialect: Dialect;
  /** Size of the received body. */
  readonly bodyBytes: number;
}

export interface AskedOptions {
  /** Reads the size from the body. */
  readonly measure: (() => RequestSize) | undefined;
  readonly estimate: (plan: Plan, size: RequestSize) => TokenEstimate;
}

/** The body is measured when its size is first needed, and only until a target has answered, so that it is not kept for longer. */
export class Asked {
  readonly parts: AskedParts;
  readonly #toEstimate: AskedOptions["estimate"];
  #measure: (() => RequestSize) | undefined;
  #size: RequestSize | undefined;
  #estimate: TokenEstimate | undefined;

  constructor(parts: AskedParts, { measure, estimate }: AskedOptions) {
    this.parts = parts;
    this.#measure = measure;
    this.#toEstimate = estimate;
  }

  /** The tokens that the request will need; always the same. */
  get estimate(): TokenEstimate {
    this.#size ??= this.#measure?.();
    return this.#estimate ??= this.#toEstimate(this.parts.plan, this.#size ?? this.#wholeBody());
  }

  /** Undefined if no meter needed it. */
  get size(): RequestSize | undefined {
    return this.#size;
  }

  /** Gives up the body. */
  forgetBody(): void {
    this.#measure = undefined;
  }

  #wholeBody(): RequestSize {
    return {
      textBytes: this.parts.bodyBytes,
      images: 0,
      documentBytes: 0,
      maxOutputTokens: undefined,
    };
  }
}
