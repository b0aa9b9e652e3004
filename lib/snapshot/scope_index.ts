/** Rules by the caller that they are for, so that a request does not look at those of all other callers. */

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
  /** Made when the first request asks for it. */
  #parts: Parts<Rule> | undefined;

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /** The rules that may include the caller with this name, in their order; at the end are those for it alone. */
  of(caller: string): readonly Rule[] {
    const { shared, own } = this.#parts ??= partsOf(this.#rules);
    const named = own.get(caller);
    return named === undefined ? shared : [...shared, ...named];
  }
}

/** Rules for one caller follow all others. */
function partsOf<Rule extends Scoped>(rules: readonly Rule[]): Parts<Rule> {
  const last = rules.findLastIndex((rule) => onlyCaller(rule) === undefined);
  return { shared: rules.slice(0, last + 1), own: Map.groupBy(rules.slice(last + 1), onlyCaller) };
}

function onlyCaller({ scope: { callers = [] } }: Scoped): string | undefined {
  const [name, ...others] = callers;
  return name === undefined || others.length > 0 || isGlob(name) ? undefined : name;
}
