/** One limit of one subject: a rate or a number of in-flight requests. */

import type { Usage } from "../../base/usage.ts";
import type { RateLimit } from "../../snapshot/limits.ts";
import { addTo, type Cell, type Store } from "../../store/store.ts";
import type { Asked } from "../admission/asked.ts";
import type { Bucket, Slots } from "./bucket.ts";

export const LIMIT_KINDS = ["concurrent", "requests", "tokens"] as const;

/** The kinds of gates, in the order in which they are tried. */
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** A limit of a rule, bound to the state of one subject. */
export type Gate = RateGate | SlotGate;

interface GateParts {
  readonly rule: RateLimit;
  readonly counts: RuleCounts;
  readonly what: LimitKind;
}

export interface RateGate extends GateParts {
  readonly what: "requests" | "tokens";
  readonly state: Bucket;
}

export interface SlotGate extends GateParts {
  readonly what: "concurrent";
  readonly max: number;
  readonly state: Slots;
}

/** How many requests a rule has refused since the start of the process. */
export class RuleCounts {
  readonly #refused: Cell;
  readonly #wouldRefuse: Cell;

  constructor(store: Store, rule: string) {
    this.#refused = store.cell(`limits refused ${rule}`);
    this.#wouldRefuse = store.cell(`limits would refuse ${rule}`);
  }

  get refused(): number {
    return this.#refused.load();
  }

  /** Admitted requests that the mode `enforce` would have refused. */
  get wouldRefuse(): number {
    return this.#wouldRefuse.load();
  }

  addRefused(): void {
    addTo(this.#refused, 1);
  }

  addWouldRefuse(): void {
    addTo(this.#wouldRefuse, 1);
  }
}

/** An arbitrary time in microseconds: when the next request in flight ends is unknown. */
const SLOT_WAIT_US = 1_000_000;

/** Within the section: microseconds until units may fit, 0 if they do now; takes nothing. */
export function waitFor(gate: Gate, units: number, nowUs: number): number {
  if (gate.what !== "concurrent") return gate.state.waitUs(units, nowUs);
  return gate.state.taken < gate.max ? 0 : SLOT_WAIT_US;
}

/** Requests or tokens that a request takes until it has ended; the result never changes. */
export function unitsOf({ what, rule: { weights, reserveOutput } }: Gate, asked: Asked): number {
  if (what !== "tokens") return 1;
  const { inputTokens, maxOutputTokens, typicalOutputTokens } = asked.estimate;
  const output = Math.min(maxOutputTokens, typicalOutputTokens, reserveOutput);
  return Math.ceil(inputTokens * weights.input + output * weights.output);
}

/** Tokens that a request has used, by the rule's weights. */
export function weighted(
  { inputTokens, outputTokens, cacheWriteTokens, cacheReadTokens }: Usage,
  { rule: { weights } }: RateGate,
): number {
  return Math.ceil(
    inputTokens * weights.input + outputTokens * weights.output +
      cacheWriteTokens * weights.cacheWrite + cacheReadTokens * weights.cacheRead,
  );
}
