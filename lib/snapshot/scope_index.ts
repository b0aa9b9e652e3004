/** Rules by caller, so that a request need not look at the rules of all other callers. */

import { isGlob } from "../base/glob.ts";
import type { Scope } from "./limits.ts";

interface Scoped {
  readonly scope: Scope;
}

interface Parts<Rule> {
  readonly shared: readonly Rule[];
  readonly own: ReadonlyMap<string | undefined, readonly Rule[]>;
}

/** The rules of one configuration. */
export class ScopeIndex<Rule extends Scoped> {
  readonly #rules: readonly Rule[];
  /** Built on demand. */
  #parts: Parts<Rule> | undefined;

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /** The rules that may include the caller with this name, in their order; those for this caller alone come last. */
  of(caller: string): readonly Rule[] {
    const { shared, own } = this.#parts ??= partsOf(this.#rules);
    const named = own.get(caller);
    return named === undefined ? shared : [...shared, ...named];
  }
}

/** The rules at the end of the list that are for one caller each, and all rules before them. */
function partsOf<Rule extends Scoped>(rules: readonly Rule[]): Parts<Rule> {
  const last = rules.findLastIndex((rule) => onlyCaller(rule) === undefined);
  return { shared: rules.slice(0, last + 1), own: Map.groupBy(rules.slice(last + 1), onlyCaller) };
}

function onlyCaller({ scope: { callers = [] } }: Scoped): string | undefined {
  const [name, ...others] = callers;
  return name === undefined || others.length > 0 || isGlob(name) ? undefined : name;
}
