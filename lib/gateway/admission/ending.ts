/** How a request ended, as far as it matters for what it has used. */

import type { AditError } from "../../base/errors.ts";
import type { Spent, Usage } from "../../base/usage.ts";
import type { Dialect } from "../dialect.ts";

/** Knows what a request costs. */
export interface Price {
  /** Nanodollars for what the request has used; undefined if the price is unknown. */
  costOf(spent: Spent): number | undefined;
}

/** What is known of a response so far. */
export interface Running {
  readonly dialect: Dialect;
  readonly isStream: boolean;
  /** As far as the upstream reported it. */
  readonly usage: Usage | undefined;
  /** Bytes of the response's body. */
  readonly sentBytes: number;
}

export interface Ending extends Running {
  /** Whether the response was read to its end although its client had left. */
  readonly drained?: boolean;
  /** Why the request or its response failed. */
  readonly error: AditError | undefined;
  /** Whether a response has begun, or the client left while a target was working on one. */
  readonly accepted: boolean;
  /** Attempts that a target had accepted and that broke off before another target answered. */
  readonly brokenAttempts: number;
  /** Absent if nothing costs anything. */
  readonly price?: Price;
}
