import { equal } from "node:assert/strict";
import { globPrefix, matchesGlob } from "../../lib/base/glob.ts";

Deno.test("globs match any characters at each star and everything else literally", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["*", "", true],
    ["*", "anything", true],
    ["nova-*", "nova-lite", true],
    ["nova-*", "nova-", true],
    ["nova-*", "a-nova-lite", false],
    ["*-lite", "nova-lite", true],
    ["*-lite", "nova-lite-2", false],
    ["a*b*c", "a1b2c", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "acb", false],
    ["a*a", "a", false],
    ["ab*ba", "aba", false],
    ["**", "x", true],
    ["nova.lite", "novaxlite", false],
    ["nova", "nova", true],
    ["nova", "nova2", false],
  ];
  for (const [pattern, text, expected] of cases) {
    equal(matchesGlob(pattern, text), expected, `${pattern} on ${text}`);
  }
});

Deno.test("matching a glob of many stars does not backtrack", () => {
  equal(matchesGlob("*a".repeat(1000) + "b", "a".repeat(2000)), false);
});

Deno.test("whatever a glob matches begins with its prefix", () => {
  equal(globPrefix("nova-*-lite-*"), "nova-");
  equal(globPrefix("*"), "");
  equal(globPrefix("nova"), "nova");
});
