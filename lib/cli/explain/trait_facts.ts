/** The traits of a model's target for `adit explain`, in columns. */

import { traitLines, type TraitOriginOptions } from "../../config/trait_origins.ts";
import type { ModelTarget } from "../../snapshot/snapshot.ts";
import type { Fact } from "./fact.ts";

/** One line for each trait, and one for each effort: name, value and origin in columns. */
export function traitFacts(target: ModelTarget, options: TraitOriginOptions): readonly Fact[] {
  const lines = traitLines(target, options);
  const nameWidth = Math.max(...lines.map(({ name }) => name.length));
  const valueWidth = Math.min(VALUE_WIDTH, Math.max(...lines.map(({ value }) => value.length)));
  return lines.map(({ name, value, origin }, index) => ({
    topic: index === 0 ? "traits" : "",
    text: `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${origin}`,
  }));
}

/** The origin of a longer value moves to the right. */
const VALUE_WIDTH = 32;
