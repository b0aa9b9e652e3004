/** Schemas of tools with members that are null or of the wrong kind. */

import { deepEqual, equal } from "node:assert/strict";
import type { JsonObject } from "../../../../lib/base/json.ts";
import { toolSchema } from "../../../../lib/translate/converse/tools/tool_schema.ts";

const CASES: Readonly<
  Record<string, readonly [given: JsonObject, clean: JsonObject, lost: readonly string[]]>
> = {
  "nothing": [{}, { type: "object" }, []],
  "a type that is null": [{ type: null }, { type: "object" }, []],
  "a list of types": [{ type: ["object", "null"], properties: {} }, { type: "object", properties: {} }, []],
  "a list of other types": [{ type: ["string"] }, { type: "object" }, ["type"]],
  "another type": [{ type: "array", items: {} }, { type: "object", items: {} }, ["type"]],
  "a type that is a number": [{ type: 1 }, { type: "object" }, ["type"]],
  "members that are null": [
    { type: "object", properties: null, required: null, description: null, $defs: null, anyOf: null },
    { type: "object" },
    [],
  ],
  "properties that are a list": [{ type: "object", properties: ["a"] }, { type: "object" }, ["properties"]],
  "a required member of the wrong kind": [
    { type: "object", required: ["a", null, 1] },
    { type: "object", required: ["a"] },
    ["required"],
  ],
  "required that is a boolean": [{ type: "object", required: true }, { type: "object" }, ["required"]],
  "null inside properties": [
    { type: "object", properties: { a: { type: "string", enum: null, default: null }, b: null, c: true } },
    { type: "object", properties: { a: { type: "string", default: null }, b: {}, c: true } },
    [],
  ],
  "null inside lists and definitions": [
    { type: "object", anyOf: [{ required: null }, true], $defs: { A: { items: { title: null } } } },
    { type: "object", anyOf: [{}, true], $defs: { A: { items: {} } } },
    [],
  ],
  "a property named like a keyword": [
    { type: "object", properties: { required: { type: "boolean" }, type: { type: "string" } } },
    { type: "object", properties: { required: { type: "boolean" }, type: { type: "string" } } },
    [],
  ],
  "a constant that is null": [
    { type: "object", properties: { a: { const: null, enum: [null, "x"] } } },
    { type: "object", properties: { a: { const: null, enum: [null, "x"] } } },
    [],
  ],
};

for (const [name, [given, clean, lost]] of Object.entries(CASES)) {
  Deno.test(`the schema of a tool with ${name}`, () => {
    const names: string[] = [];
    deepEqual(toolSchema(given, (keyword) => names.push(keyword)), clean);
    deepEqual(names, lost);
  });
}

Deno.test("a valid schema is not copied", () => {
  const schema: JsonObject = {
    type: "object",
    properties: { a: { type: "array", items: { type: "string" } } },
  };
  equal(toolSchema(schema, () => {}), schema);
});
