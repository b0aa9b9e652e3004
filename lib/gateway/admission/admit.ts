/**
 * Admission: what a request may use is taken in one step before it is sent, and settled once when it has ended.
 */

import type { AditError } from "../../base/errors.ts";
import type { Spent } from "../../base/usage.ts";
import type { Asked, Counted } from "./asked.ts";
import type { Ending } from "./ending.ts";
import type { Sizes } from "./sizes.ts";

/** What one meter has taken for a request. Either `cancel` or `settle` is called, once. */
export interface Held {
  /** Gives everything back, as if the request had never asked. */
  cancel(): void;
  /** Replaces what was taken by what the request has used. */
  settle(spent: Spent): void;
  /** Adds what is left to the headers of the response. */
  addHeaders?(headers: Headers): void;
}

/** One kind of limit, such as rates or budgets. Takes everything it limits or nothing, without waiting. */
export interface Meter {
  /** Undefined if nothing of this meter applies to the request. */
  take(asked: Asked): Taken | undefined;
}

export type Taken =
  | { readonly held: Held; readonly refused?: undefined }
  | { readonly held?: undefined; readonly refused: AditError };

/** Everything that was taken for one request. */
export class Hold {
  readonly #asked: Asked;
  readonly #held: readonly Held[];
  readonly #sizes: Sizes;
  #spent: Spent | undefined;

  constructor(asked: Asked, held: readonly Held[], sizes: Sizes) {
    this.#asked = asked;
    this.#held = held;
    this.#sizes = sizes;
  }

  /** Settles everything, at the first call; returns what the request has used. */
  close(ending: Ending): Spent {
    if (this.#spent !== undefined) return this.#spent;
    this.#spent = this.#sizes.settle(this.#asked, ending);
    for (const held of this.#held) held.settle(this.#spent);
    return this.#spent;
  }

  /** What the request counts as. */
  get counts(): Counted {
    return this.#asked.parts.counts;
  }

  addHeaders(headers: Headers): void {
    for (const held of this.#held) held.addHeaders?.(headers);
  }
}

/** Takes from every meter, in their order, or from none. */
export class Admission {
  readonly #meters: readonly Meter[];
  readonly #sizes: Sizes;

  constructor(meters: readonly Meter[], sizes: Sizes) {
    this.#meters = meters;
    this.#sizes = sizes;
  }

  /** Throws the first refusal, with nothing taken. */
  admit(asked: Asked): Hold {
    const all: Held[] = [];
    for (const meter of this.#meters) {
      const taken = meter.take(asked);
      if (taken === undefined) continue;
      if (taken.refused !== undefined) {
        for (const held of all) held.cancel();
        throw taken.refused;
      }
      all.push(taken.held);
    }
    asked.forgetBody();
    return new Hold(asked, all, this.#sizes);
  }
}
