/** The scopes of rules and budgets as text. */

import { equal } from "node:assert/strict";
import type { Scope } from "../../lib/snapshot/limits.ts";
import { scopeText } from "../../lib/snapshot/scope.ts";

const ALL: Scope = { callers: undefined, teams: undefined, models: undefined, tags: {} };

const TEXTS: readonly (readonly [scope: Partial<Scope>, text: string])[] = [
  [{}, ""],
  [{ callers: ["batch"] }, "caller batch"],
  [{ teams: ["search"], models: ["claude", "nova-*"] }, "team search; models claude, nova-*"],
  [{ tags: { tier: ["gold", "silver"] } }, "tier gold, silver"],
];

for (const [scope, text] of TEXTS) {
  Deno.test(`a scope is shown as "${text}"`, () => equal(scopeText({ ...ALL, ...scope }), text));
}
