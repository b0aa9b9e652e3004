/** JSON and pieces of text that hold half a surrogate pair. */

import { equal } from "node:assert/strict";
import { jsonText, WellFormedJsonText, WellFormedText } from "../../../lib/base/json_text/json_text.ts";

const HIGH = "\ud83d";
const LOW = "\ude00";
const REPLACED = "\ufffd";

const VALUES: readonly (readonly [name: string, value: unknown, parsed: unknown])[] = [
  ["half a pair at the start", [`${HIGH} a`], [`${REPLACED} a`]],
  ["half a pair at the end", { a: `a${LOW}` }, { a: `a${REPLACED}` }],
  ["a whole pair", [HIGH + LOW], [HIGH + LOW]],
  ["halves in the wrong order", [LOW + HIGH], [REPLACED + REPLACED]],
  ["half a pair in a name", { [`${HIGH}x`]: 1 }, { [`${REPLACED}x`]: 1 }],
  ["the text of an escape", ["\\ud83d"], ["\\ud83d"]],
  ["a backslash before half a pair", [`\\${HIGH}`], [`\\${REPLACED}`]],
  ["JSON within a string", [JSON.stringify("\\ud83d")], [JSON.stringify("\\ud83d")]],
];

for (const [name, value, parsed] of VALUES) {
  Deno.test(`JSON text with ${name}`, () => {
    const text = jsonText(value);
    equal(JSON.stringify(JSON.parse(text)), JSON.stringify(parsed));
    equal(/\\u[dD][89ab]/.test(text.replaceAll("\\\\", "")), false);
  });
}

/** The text cut at every place, and into single code units. */
function* pieces(text: string): Iterable<readonly string[]> {
  yield text.split("");
  for (let at = 0; at <= text.length; at++) yield [text.slice(0, at), text.slice(at)];
}

const TEXTS = [
  `a${HIGH}${LOW}b`,
  `${HIGH}a`,
  `a${HIGH}`,
  LOW,
  `${LOW}${HIGH}`,
  `${HIGH}${HIGH}${LOW}`,
  "plain",
];

for (const text of TEXTS) {
  Deno.test(`pieces of ${JSON.stringify(text)} come out well-formed`, () => {
    for (const cut of pieces(text)) {
      const stream = new WellFormedText();
      const out = [...cut.map((piece) => stream.push(piece)), stream.end()];
      equal(out.every((piece) => piece.isWellFormed()), true, JSON.stringify(cut));
      equal(out.join(""), text.toWellFormed(), JSON.stringify(cut));
    }
  });
}

const JSON_TEXTS: readonly (readonly [text: string, expected: string])[] = [
  [String.raw`{"a":"\ud83d\ude00"}`, String.raw`{"a":"\ud83d\ude00"}`],
  [String.raw`{"a":"\uD83D\uDE00\n"}`, String.raw`{"a":"\uD83D\uDE00\n"}`],
  [String.raw`{"a":"\ud83d x"}`, String.raw`{"a":"\ufffd x"}`],
  [String.raw`{"a":"\ud83d\u0041"}`, String.raw`{"a":"\ufffd\u0041"}`],
  [String.raw`{"a":"\ud83d\n"}`, String.raw`{"a":"\ufffd\n"}`],
  [String.raw`{"a":"\ude00\ud83d"}`, String.raw`{"a":"\ufffd\ufffd"}`],
  [String.raw`{"a":"\\ud83d \\"}`, String.raw`{"a":"\\ud83d \\"}`],
  [String.raw`{"a":"\u00e9\\\ud83d"}`, String.raw`{"a":"\u00e9\\\ufffd"}`],
  [`{"a":"${HIGH}${LOW}${HIGH}"}`, `{"a":"${HIGH}${LOW}${REPLACED}"}`],
];

for (const [text, expected] of JSON_TEXTS) {
  Deno.test(`pieces of the JSON ${JSON.stringify(text)} come out well-formed`, () => {
    for (const cut of pieces(text)) {
      const stream = new WellFormedJsonText();
      const out = [...cut.map((piece) => stream.push(piece)), stream.end()];
      equal(out.join(""), expected, JSON.stringify(cut));
    }
  });
}
