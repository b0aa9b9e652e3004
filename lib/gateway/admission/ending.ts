/** How a request ended, as far as it affects what it has used. */

import type { AditError } from "../../base/errors.ts";
import type { Spent, Usage } from "../../base/usage.ts";
import type { Dialect } from "../dialect.ts";

/** Computes the cost of a request. */
export interface Price {
  /** The cost of this usage in nanodollars; undefined if the price is unknown. */
  costOf(spent: Spent): number | undefined;
}

/** What is known about a response so far. */
export interface Running {
  readonly dialect: Dialect;
  readonly isStream: boolean;
  /** The usage, as far as the upstream has reported it. */
  readonly usage: Usage | undefined;
  /** Bytes of the response's body. */
  readonly sentBytes: number;
}

export interface Ending extends Running {
  /** Whether the response was read to the end although its client had left. */
  readonly drained?: boolean;
  /** Why the request or its response failed. */
  readonly error: AditError | undefined;
  /** Whether a response had begun, or a target was working on one when the client left. */
  readonly accepted: boolean;
  /** Number of attempts that a target accepted and that broke off before another target answered. */
  readonly brokenAttempts: number;
  /** Absent if the cost does not matter. */
  readonly price?: Price;
}
