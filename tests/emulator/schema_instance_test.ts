import assert from "node:assert/strict";
import type { JsonValue } from "../../lib/base/json.ts";
import { instanceOf } from "../../lib/emulator/model/schema_instance.ts";

const CASES: readonly [name: string, schema: JsonValue, instance: JsonValue][] = [
  ["a constant", { const: 5 }, 5],
  ["an enumeration", { type: "string", enum: ["red", "blue"] }, "red"],
  ["no constraint", {}, {}],
  ["nullable text", { type: ["null", "string"] }, "some value"],
  ["a number within bounds", { type: "number", minimum: 3, maximum: 4 }, 3],
  ["an integer above an excluded bound", { type: "integer", exclusiveMinimum: 7 }, 8],
  ["an integer below a bound", { type: "integer", maximum: -3 }, -3],
  ["a multiple", { type: "integer", multipleOf: 5, minimum: 11 }, 15],
  ["a long text", { type: "string", minLength: 14 }, "some value...."],
  ["a short text", { type: "string", maxLength: 3 }, "som"],
  ["a date", { type: "string", format: "date" }, "2026-01-31"],
  ["a list", { type: "array", items: { type: "boolean" }, minItems: 2 }, [true, true]],
  ["an empty list", { type: "array", items: {}, maxItems: 0 }, []],
  ["a tuple", { type: "array", prefixItems: [{ const: 1 }, { const: 2 }] }, [1, 2]],
  ["an object", {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "null" } },
    required: ["a"],
  }, { a: "some a", b: null }],
  ["a required member without a schema", { type: "object", required: ["x"] }, { x: null }],
  ["a reference", {
    $defs: { color: { enum: ["green"] } },
    type: "object",
    properties: { color: { $ref: "#/$defs/color" } },
  }, { color: "green" }],
  ["all of several", {
    allOf: [{ type: "object", properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } } }],
  }, { a: 1, b: 2 }],
  ["any of several", { anyOf: [{ type: "integer" }, { type: "string" }] }, 1],
];

for (const [name, schema, instance] of CASES) {
  Deno.test(`an instance is made of ${name}`, () => {
    assert.deepEqual(instanceOf(schema), instance);
  });
}

Deno.test("a schema that refers to itself ends", () => {
  const schema: JsonValue = {
    $defs: {
      node: {
        type: "object",
        properties: { next: { $ref: "#/$defs/node" }, loop: { $ref: "#/$defs/loop" } },
      },
      loop: { $ref: "#/$defs/loop" },
    },
    $ref: "#/$defs/node",
  };
  assert.ok(JSON.stringify(instanceOf(schema)).length < 10_000);
});

Deno.test("a schema that refers to itself several times has an instance of limited size", () => {
  const names = ["a", "b", "c", "d", "e"];
  const node: JsonValue = {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, { $ref: "#" }])),
  };
  assert.ok(JSON.stringify(instanceOf(node)).length < 500_000);
  const all: JsonValue = {
    allOf: names.slice(0, 3).map(() => ({ $ref: "#" })),
    properties: { a: { const: 1 } },
  };
  assert.deepEqual(Object.keys(Object(instanceOf({ ...all, type: "object" }))), ["a"]);
});
