/** Paths of members by name. */

import { deepEqual } from "node:assert/strict";
import { findNames, stringAt } from "../../../lib/base/json_text/json_names.ts";

const CASES: readonly (readonly [text: string, paths: readonly string[]])[] = [
  ["{}", []],
  ['{"x":1}', ["x"]],
  ['{"x":1,"x":2,"\\u0078":3}', ["x", "x", "x"]],
  ['{"a":"x","b":["x",{"x":{"x":[]}}]}', ["b[1].x", "b[1].x.x"]],
  ['[[1,[2]],{"a":[{"b":1},{"x":1}]},{"x":0}]', ["[1].a[1].x", "[2].x"]],
  ['{"a":{"b":"\\"x\\":"},"c":{"d":[],"x":{}}}', ["c.x"]],
];

for (const [text, paths] of CASES) {
  Deno.test(`the members named x of ${text} are found`, () => {
    deepEqual(findNames(text, (name) => name === "x").map(({ path }) => path), paths);
  });
}

Deno.test("the value after a name is known if it is a string", () => {
  const text = `{"x" \n: "a\\"b","x":${" ".repeat(100)}"c","x":[],"x":null}`;
  deepEqual(findNames(text, (name) => name === "x").map(({ at }) => stringAt(text, at)), [
    'a"b',
    "c",
    undefined,
    undefined,
  ]);
});
