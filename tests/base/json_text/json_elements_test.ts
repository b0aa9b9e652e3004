/** The elements of JSON arrays in their text. */

import { deepEqual } from "node:assert/strict";
import { elementTexts } from "../../../lib/base/json_text/json_elements.ts";

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
