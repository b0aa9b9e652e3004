/** A request to be admitted: its caller, its model, and the number of tokens that it will probably need. */

import type { Usage } from "../../base/usage.ts";
import type { Plan } from "../../snapshot/plan.ts";
import type { Dialect } from "../dialect.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";

/**
 * What a request counts as. `requests`: it runs no model. `tokens`: it runs a model whose token counts Bedrock reports.
 * `unmetered`: it runs a model whose token counts Bedrock does not report. `units`: it runs no model and is billed by
 * the units of a guardrail.
 */
export type Counted = "requests" | "tokens" | "unmetered" | "units";

/** The size of a request, as far as its body shows it. */
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
  /** A length that few responses exceed; at most the longest possible one. */
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

/** Measures the body when its size is first needed, and gives it up once a target has answered, to free its memory. */
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

  /** The tokens that the request will probably need; the result never changes. */
  get estimate(): TokenEstimate {
    this.#size ??= this.#measure?.();
    return this.#estimate ??= this.#toEstimate(this.parts.plan, this.#size ?? this.#wholeBody());
  }

  /** The usage with this many more prompts, for attempts that broke off before another target answered. */
  withPrompts(usage: Usage, count: number): Usage {
    return count === 0
      ? usage
      : { ...usage, inputTokens: usage.inputTokens + count * this.estimate.inputTokens };
  }

  /** Undefined if no meter has needed it. */
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
