/** A caller's rules are found among those of very many other callers, in order. */

import { deepEqual } from "node:assert/strict";

import type { Scope } from "../../lib/snapshot/limits.ts";
import { ScopeIndex } from "../../lib/snapshot/scope_index.ts";

interface Rule {
  readonly name: string;
  readonly scope: Scope;
}

function rule(name: string, callers?: readonly string[], teams?: readonly string[]): Rule {
  return { name, scope: { callers, teams, models: undefined, tags: {} } };
}

function namesFor(caller: string, rules: readonly Rule[]): readonly string[] {
  return new ScopeIndex(rules).of(caller).map(({ name }) => name);
}

const SHARED = [
  rule("for all"),
  rule("for one", ["caller-1"]),
  rule("for two", ["caller-1", "caller-2"]),
  rule("for many", ["caller-*"]),
  rule("for a team", undefined, ["search"]),
];

Deno.test("a caller gets its own rules after the shared ones, and no other caller's", () => {
  const own = Array.from({ length: 1_000 }, (_, index) => rule(`own ${index}`, [`caller-${index}`]));
  const rules = [...SHARED, ...own, rule("second of 7", ["caller-7"])];
  const shared = SHARED.map(({ name }) => name);
  deepEqual(namesFor("caller-7", rules), [...shared, "own 7", "second of 7"]);
  deepEqual(namesFor("caller-999", rules), [...shared, "own 999"]);
  deepEqual(namesFor("another", rules), shared);
});

Deno.test("a rule for one caller and a team is found by the caller", () => {
  const rules = [rule("own", ["a"], ["search"])];
  deepEqual(namesFor("a", rules), ["own"]);
  deepEqual(namesFor("search", rules), []);
});

Deno.test("without rules for single callers, every caller gets all rules", () => {
  deepEqual(namesFor("a", SHARED), SHARED.map(({ name }) => name));
  deepEqual(namesFor("a", [rule("none", [])]), ["none"]);
  deepEqual(namesFor("a", []), []);
});
