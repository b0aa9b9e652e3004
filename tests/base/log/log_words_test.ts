/** Text of others in the log. */

import { deepEqual, equal } from "node:assert/strict";
import { cut, cutList, logWords } from "../../../lib/base/log/log_words.ts";

const WORDS: readonly (readonly [text: string, logged: string])[] = [
  ["The model isn't ready, and it won't be.", "The model isn't ready, and it won't be."],
  ["Value 'my secret' at 'a.b' failed", "Value [value] at [value] failed"],
  ['found "it\'s mine" and `x`', "found [value] and [value]"],
  ["found “mine”\nhere", "found [value]\nhere"],
  ["'' at the end 'open", "'' at the end [value]"],
  [`long: "${"secret ".repeat(1000)}" is not valid`, "long: [value] is not valid"],
  [`cut off: "${"secret ".repeat(3000)}`, "cut off: [value]"],
  ['escaped: "a \\"secret\\" b" here', "escaped: [value] here"],
  ["‘it’s secret’, «secret», „secret“ and “secret", "[value], [value], [value] and [value]"],
  ['\'it\'s secret\' in """secret"""', '[value] in ""[value]""'],
  ["the users' models’ limits aren’t met", "the users' models’ limits aren’t met"],
  ["x".repeat(400), `${"x".repeat(299)}…`],
  [`quoted: "${"x".repeat(400)}", then more`, "quoted: [value], then more"],
];

for (const [text, logged] of WORDS) {
  Deno.test(`the log has ${JSON.stringify(logged.slice(0, 60))}`, () => equal(logWords(text), logged));
}

Deno.test("a text is not cut inside a character", () => {
  equal(cut("ab😀d", 4), "ab…");
  equal(cut("ab😀", 4), "ab😀");
});

Deno.test("a list is cut in both directions, and says how much is missing", () => {
  deepEqual(cutList(["abcd", "d", "e", "f"], { items: 2, chars: 3 }), ["ab…", "d", "… and 2 more"]);
});
