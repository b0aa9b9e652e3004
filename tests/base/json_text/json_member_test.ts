/** Members of a JSON object, found in its text. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { endOfJsonString, findMembers, withMember } from "../../../lib/base/json_text/json_member.ts";

const TEXTS: readonly (readonly [text: string, values: readonly string[]])[] = [
  ["{}", []],
  ['{"a":1}', ["1"]],
  [' { "a" : "x,}" , "b":2 } ', ['"x,}"']],
  ['{"b":{"a":1},"a":{"a":[2,{"a":3}]}}', ['{"a":[2,{"a":3}]}']],
  ['{"b":"a","c":["a",":",{"a":1}],"a":null}', ["null"]],
  ['{"a":1,"a":[2],"\\u0061":"\\"3"}', ["1", "[2]", '"\\"3"']],
  ['{"b\\"a":1,"a":2}', ["2"]],
  ['{"a"\n:\n\ttrue\n}', ["true"]],
];

for (const [text, values] of TEXTS) {
  Deno.test(`the values of "a" in ${JSON.stringify(text)} are ${JSON.stringify(values)}`, () => {
    JSON.parse(text);
    deepEqual(findMembers(text, "a").map(({ start, end }) => text.slice(start, end)), values);
  });
}

Deno.test("a long text is looked through in linear time", () => {
  const text = JSON.stringify({ b: "\\".repeat(500_000), c: Array(200_000).fill({ a: 1 }), a: 1 });
  deepEqual(findMembers(text, "a").length, 1);
});

Deno.test("a repeated member is changed everywhere, in linear time", () => {
  const written = (value: string) => `{${Array(200_000).fill(`"a":${value}`).join(",")}}`;
  equal(withMember(written("1"), "a", "[]") === written("[]"), true);
});

Deno.test("a text that is cut off is looked at once, and no more", () => {
  const whole = '{"a":"x\\\\\\"","b":[{"c":"y"}],"a":"z"}';
  for (let cut = 0; cut < whole.length; cut++) {
    try {
      findMembers(whole.slice(0, cut), "a");
    } catch (error) {
      // A name without its end.
      ok(error instanceof SyntaxError);
    }
  }
  equal(endOfJsonString('"abc', 0), 4);
  equal(endOfJsonString('"ab\\"', 0), 5);
});
