/** Schemas made to fit structured output, and those that cannot be. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { isJsonObject } from "../../../../lib/base/json.ts";
import type { JsonObject, JsonValue } from "../../../../lib/base/json.ts";
import { strictSchema } from "../../../../lib/translate/converse/tools/strict_schema.ts";
import { Random } from "../../../suites/random.ts";

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties,
  ...more,
});

const UNFIT: Readonly<Record<string, JsonObject>> = {
  "an object with any members": { type: "object" },
  "an object without members": object({}),
  "an object with members of one kind": object({}, { additionalProperties: { type: "string" } }),
  "named members and any others": object({ a: { type: "string" } }, { additionalProperties: true }),
  "an open object inside": object({ a: { type: "array", items: { type: "object" } } }),
  "an open object in a union": object({ a: { anyOf: [{ type: "string" }, { type: ["object", "null"] }] } }),
  "itself": object({ a: { $ref: "#" } }),
  "a definition that refers to itself": object({ a: { $ref: "#/$defs/A" } }, {
    $defs: { A: object({ b: { $ref: "#/$defs/A" } }) },
  }),
  "definitions that refer to each other": object({ a: { $ref: "#/$defs/A" } }, {
    $defs: { A: object({ b: { $ref: "#/$defs/B" } }), B: object({ a: { $ref: "#/$defs/A" } }) },
  }),
  "a reference to another document": object({ a: { $ref: "https://example.com/a.json" } }),
  "a reference to nothing": object({ a: { $ref: "#/$defs/A" } }),
  "two objects at once": object({ a: { allOf: [object({ b: {} }), object({ c: {} })] } }),
  "items of any kind": object({ a: { type: "array", items: true } }),
  "more levels than make sense": nested(80),
};

function nested(levels: number): JsonObject {
  let schema: JsonObject = { type: "string" };
  for (let level = 0; level < levels; level++) schema = object({ a: schema });
  return schema;
}

for (const [name, schema] of Object.entries(UNFIT)) {
  Deno.test(`a schema of ${name} does not fit`, () => equal(strictSchema(schema), undefined));
}

const FITTED: Readonly<
  Record<string, readonly [given: JsonObject, fitted: JsonObject, moved: readonly string[]]>
> = {
  "what fits stays": [
    object({ a: { type: "string", enum: ["x"] } }, { required: ["a"], additionalProperties: false }),
    object({ a: { type: "string", enum: ["x"] } }, { required: ["a"], additionalProperties: false }),
    [],
  ],
  "objects are closed, also in lists, unions and definitions": [
    object({
      a: { type: "array", items: object({ b: {} }) },
      c: { anyOf: [object({ d: {} }), { type: "null" }] },
    }, {
      $defs: { E: object({ f: {} }) },
    }),
    object({
      a: { type: "array", items: closed({ b: {} }) },
      c: { anyOf: [closed({ d: {} }), { type: "null" }] },
    }, { $defs: { E: closed({ f: {} }) }, additionalProperties: false }),
    [],
  ],
  "bounds are told in the description": [
    object({ a: { type: "integer", description: "A number", minimum: 1, multipleOf: 2 } }),
    closed({ a: { type: "integer", description: "A number (minimum: 1, multipleOf: 2)" } }),
    ["minimum", "multipleOf"],
  ],
  "a list may be told to be not empty, and no more": [
    object({ a: { type: "array", minItems: 1 }, b: { type: "array", minItems: 2, uniqueItems: true } }),
    closed({
      a: { type: "array", minItems: 1 },
      b: { type: "array", description: "(minItems: 2, uniqueItems: true)" },
    }),
    ["minItems", "uniqueItems"],
  ],
  "values that are objects cannot be listed": [
    object({ a: { enum: [{ b: 1 }, "x"] } }),
    closed({ a: { description: '(enum: [{"b":1},"x"])' } }),
    ["enum"],
  ],
  "one of several is any of several": [
    object({ a: { oneOf: [{ type: "string" }] } }),
    closed({ a: { anyOf: [{ type: "string" }] } }),
    [],
  ],
  "what says nothing of the value is left out": [
    object({ a: {} }, { $schema: "x", $id: "y", examples: [1] }),
    closed({ a: {} }),
    [],
  ],
  "a definition may be used twice": [
    object({ a: { $ref: "#/$defs/A" }, b: { $ref: "#/$defs/A" } }, { $defs: { A: object({ c: {} }) } }),
    object({ a: { $ref: "#/$defs/A" }, b: { $ref: "#/$defs/A" } }, {
      $defs: { A: closed({ c: {} }) },
      additionalProperties: false,
    }),
    [],
  ],
};

function closed(properties: JsonObject): JsonObject {
  return object(properties, { additionalProperties: false });
}

for (const [name, [given, fitted, moved]] of Object.entries(FITTED)) {
  Deno.test(`of a schema made to fit ${name}`, () => {
    deepEqual(strictSchema(given), { schema: fitted, moved });
    // Nothing is left to be made to fit, and the order of members is kept.
    equal(JSON.stringify(strictSchema(fitted)?.schema), JSON.stringify(fitted));
  });
}

/** The first thing that Bedrock refuses in a schema, found without knowing how schemas are made to fit. */
function problem(value: JsonValue): string | undefined {
  if (Array.isArray(value)) return value.map(problem).find((each) => each !== undefined);
  if (!isJsonObject(value)) return undefined;
  if (value.type === "object" && value.additionalProperties !== false) return "an open object";
  const bound = ["minimum", "maximum", "minLength", "maxLength", "maxItems", "uniqueItems", "pattern", "not"]
    .find((keyword) => keyword in value);
  return bound ?? Object.values(value).map(problem).find((each) => each !== undefined);
}

function randomSchema(random: Random, levels: number): JsonObject {
  const inner = () => levels === 0 ? { type: "null" } : randomSchema(random, levels - 1);
  const bounds: readonly JsonObject[] = [
    { minimum: 1 },
    { maxLength: 2, pattern: "x" },
    { maxItems: 3, uniqueItems: true },
    { description: "told" },
    { not: { type: "null" } },
    {},
  ];
  const shapes: readonly (() => JsonObject)[] = [
    () => ({ type: "string" }),
    () => ({ type: "array", items: inner() }),
    () => ({ type: "object", properties: { a: inner(), b: inner() }, required: ["a"] }),
    () => ({ anyOf: [inner(), inner()] }),
    () => ({ oneOf: [inner()] }),
    () => ({ type: "object", additionalProperties: inner() }),
  ];
  return { ...random.pick(shapes)(), ...random.pick(bounds) };
}

Deno.test("an adapted schema contains nothing that Bedrock refuses", () => {
  const random = new Random(7);
  let fitted = 0;
  for (let round = 0; round < 4000; round++) {
    const schema = strictSchema(randomSchema(random, 4))?.schema;
    if (schema === undefined) continue;
    fitted++;
    equal(problem(schema), undefined, JSON.stringify(schema));
  }
  ok(fitted > 1000, `only ${fitted} fitted`);
});
