/** The elements of JSON arrays and the members of JSON objects, in their text. */

import { deepEqual } from "node:assert/strict";
import type { JsonValue } from "../../../lib/base/json.ts";
import { elementTexts, memberSpans } from "../../../lib/base/json_text/json_elements.ts";
import { Random } from "../../suites/random.ts";

const ARRAYS: readonly (readonly [text: string, elements: readonly string[]])[] = [
  ["[]", []],
  [" [ \n ] ", []],
  ["[1]", ["1"]],
  ["[ 1.0 , 1e400,-0 ]", ["1.0", "1e400", "-0"]],
  ['[{"a":[1,2],"b":{"c":","}},[3,[4]]]', ['{"a":[1,2],"b":{"c":","}}', "[3,[4]]"]],
  ['["]", "\\"],[", "\\\\", "ü,\u2028"]', ['"]"', '"\\"],["', '"\\\\"', '"ü,\u2028"']],
  ["[null,true,\tfalse]", ["null", "true", "false"]],
];

for (const [text, elements] of ARRAYS) {
  Deno.test(`the elements of ${text}`, () => {
    deepEqual(elementTexts(text), elements);
    deepEqual(JSON.parse(`[${elements.join(",")}]`), JSON.parse(text));
  });
}

const MEMBERS: readonly (readonly [text: string, members: readonly (readonly [string, string])[]])[] = [
  [" { } ", []],
  ['{"a":1}', [["a", "1"]]],
  ['{ "a" : "x,}" ,\n"\\u0061":[{"a":2}] }', [["a", '"x,}"'], ["a", '[{"a":2}]']]],
  ['{"":{},"b\\"c":null}', [["", "{}"], ['b"c', "null"]]],
];

for (const [text, members] of MEMBERS) {
  Deno.test(`the members of ${text}`, () => {
    deepEqual(memberSpans(text).map(({ name, start, end }) => [name, text.slice(start, end)]), members);
  });
}

Deno.test("the elements and members of random values are those that JSON.parse finds", () => {
  const random = new Random(43);
  const words = ['"', "\\", "[", "]", "{", "}", ",", ":", "\n", "é", "\u2028", "\ud83d"];
  const valueOf = (depth: number): JsonValue =>
    random.pick<() => JsonValue>([
      () => random.text(words, 8),
      () => random.below(1e6) / 7,
      () => random.pick([null, true, false]),
      ...depth > 4 ? [] : [
        () => Array.from({ length: random.below(4) }, () => valueOf(depth + 1)),
        () => ({ [random.text(words, 4)]: valueOf(depth + 1), b: valueOf(depth + 1) }),
      ],
    ])();
  for (let run = 0; run < 2_000; run++) {
    const value = Array.from({ length: random.below(5) }, () => valueOf(0));
    const space = random.pick(["", "  ", "\t"]);
    const text = JSON.stringify(value, null, space);
    deepEqual(elementTexts(text).map((element) => JSON.parse(element)), JSON.parse(text));
    const object = JSON.stringify({ ...value, last: value }, null, space);
    const members = memberSpans(object).map(({ name, start, end }) => [
      name,
      JSON.parse(object.slice(start, end)),
    ]);
    deepEqual(members, Object.entries(JSON.parse(object)));
  }
});
