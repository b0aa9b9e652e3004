/** All gates of a caller's requests for a model, and what is the same for each of these requests. */

import type { Counted } from "../admission/asked.ts";
import type { Dialect } from "../dialect.ts";
import type { Gate, RateGate } from "./gate.ts";
import { type Report, reportsOf } from "./limit_headers.ts";

/** Made once for each caller and model of a configuration. */
export class GateSet {
  /** In the order in which they are tried. */
  readonly gates: readonly Gate[];
  /** The first that limits tokens and refuses. */
  readonly refusesTokens: Gate | undefined;
  /** Rates of tokens. */
  readonly tokens: readonly RateGate[];
  /** Without those that limit tokens. */
  readonly #untokened: GateSet;
  readonly #reports: { [Key in Dialect]?: readonly Report[] } = {};

  constructor(gates: readonly Gate[]) {
    this.tokens = gates.filter((gate): gate is RateGate => gate.what === "tokens");
    const others = gates.filter(({ what }) => what !== "tokens");
    this.gates = gates;
    this.refusesTokens = gates.find(({ what, rule }) => what === "tokens" && rule.mode === "enforce");
    this.#untokened = this.tokens.length === 0 ? this : new GateSet(others);
  }

  /** The gates that limit a request that counts as this. */
  of(counts: Counted): GateSet {
    return counts === "tokens" ? this : this.#untokened;
  }

  /** What a dialect reports of the gates. */
  reports(dialect: Dialect): readonly Report[] {
    return this.#reports[dialect] ??= reportsOf(this.gates, dialect);
  }
}
