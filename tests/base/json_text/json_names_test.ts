/** Paths of members by name. */

import { deepEqual } from "node:assert/strict";
import { findNames, findStrings } from "../../../lib/base/json_text/json_names.ts";

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

Deno.test("strings are found with their nearest member, wherever they are", () => {
  const text = '{"a":"x","b":["x",{"c":[["\\u0078"],"x"]},1],"a":"y","x":{}}';
  const found = findStrings(text, () => true);
  deepEqual(found, [
    { name: "a", path: "a", value: "x" },
    { name: "b", path: "b[0]", value: "x" },
    { name: "c", path: "b[1].c[0][0]", value: "x" },
    { name: "c", path: "b[1].c[1]", value: "x" },
    { name: "a", path: "a", value: "y" },
  ]);
  deepEqual(findStrings('["x"]', () => true), [{ name: "", path: "[0]", value: "x" }]);
  deepEqual(findStrings(text, (name, start) => name === "c" && text.startsWith('"x"', start)), [found[3]]);
});
