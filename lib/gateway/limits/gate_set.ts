/** All gates for a caller's requests for a model, and what can be derived from them once. */

import type { Counted } from "../admission/asked.ts";
import type { Dialect } from "../dialect.ts";
import type { Gate, RateGate } from "./gate.ts";
import { type Report, reportsOf } from "./limit_headers.ts";

/** One object for each caller and model of a configuration. */
export class GateSet {
  /** The gates, in the order in which they are tried. */
  readonly gates: readonly Gate[];
  /** The first enforced gate that limits tokens. */
  readonly refusesTokens: Gate | undefined;
  /** The gates that limit tokens. */
  readonly tokens: readonly RateGate[];
  /** The set without the gates that limit tokens. */
  readonly #untokened: GateSet;
  readonly #reports: { [Key in Dialect]?: readonly Report[] } = {};

  constructor(gates: readonly Gate[]) {
    this.tokens = gates.filter((gate): gate is RateGate => gate.what === "tokens");
    const others = gates.filter(({ what }) => what !== "tokens");
    this.gates = gates;
    this.refusesTokens = gates.find(({ what, rule }) => what === "tokens" && rule.mode === "enforce");
    this.#untokened = this.tokens.length === 0 ? this : new GateSet(others);
  }

  /** The gates for requests that count as this. */
  of(counts: Counted): GateSet {
    return counts === "tokens" ? this : this.#untokened;
  }

  /** The headers of a dialect for these gates. */
  reports(dialect: Dialect): readonly Report[] {
    return this.#reports[dialect] ??= reportsOf(this.gates, dialect);
  }
}
