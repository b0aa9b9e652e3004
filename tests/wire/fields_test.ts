/** Reading fields at the edge: paths, kinds, and what nobody read. */

import assert from "node:assert/strict";
import { AditError } from "../../lib/base/errors.ts";
import type { JsonObject } from "../../lib/base/json.ts";
import { Fields } from "../../lib/wire/fields.ts";

const READERS: readonly (readonly [
  name: string,
  value: JsonObject,
  read: (fields: Fields) => unknown,
  message: string,
])[] = [
  ["a missing string", {}, (f) => f.string("x"), "x: expected a string, found nothing"],
  ["null for a string", { x: null }, (f) => f.string("x"), "x: expected a string, found nothing"],
  ["a number for a string", { x: 1.5 }, (f) => f.optionalString("x"), "x: expected a string, found 1.5"],
  [
    "a long string for a number",
    { x: "a".repeat(99) },
    (f) => f.optionalNumber("x"),
    "x: expected a number, found a string",
  ],
  [
    "words for a number",
    { x: "my secret" },
    (f) => f.optionalNumber("x"),
    "x: expected a number, found a string",
  ],
  [
    "a word for a number",
    { x: "high" },
    (f) => f.optionalNumber("x"),
    'x: expected a number, found "high"',
  ],
  ["infinity", { x: 1e999 }, (f) => f.optionalNumber("x"), "x: expected a number, found Infinity"],
  [
    "zero of a count",
    { x: 0 },
    (f) => f.optionalCount("x"),
    "x: expected an integer of at least 1, found 0",
  ],
  [
    "a fraction of a count",
    { x: 1.5 },
    (f) => f.optionalCount("x"),
    "x: expected an integer of at least 1, found 1.5",
  ],
  [
    "a string for a boolean",
    { x: "true" },
    (f) => f.optionalBoolean("x"),
    'x: expected a boolean, found "true"',
  ],
  [
    "an array for an object",
    { x: [] },
    (f) => f.object("x"),
    "x: expected an object, found an empty array",
  ],
  ["an object for an array", { x: {} }, (f) => f.items("x"), "x: expected an array, found an object"],
  ["a null item", { x: [{}, null] }, (f) => f.items("x"), "x[1]: expected an object, found null"],
  ["another word", { x: "c" }, (f) => f.oneOf("x", ["a", "b"]), 'x: expected "a" or "b", found "c"'],
  [
    "a path further in",
    { x: [{ y: { z: 1 } }] },
    (f) => f.items("x")[0]?.object("y").string("z"),
    "x[0].y.z: expected a string, found 1",
  ],
  [
    "what only the prototype has",
    {},
    (f) => f.string("constructor"),
    "constructor: expected a string, found nothing",
  ],
];

for (const [name, value, read, message] of READERS) {
  Deno.test(`fields refuse ${name}`, () => {
    assert.throws(
      () => read(Fields.root(value)),
      (error) =>
        error instanceof AditError && error.kind === "invalid_request" && error.message === message &&
        message.startsWith(`${error.details.param}: `),
    );
  });
}

Deno.test("unread fields are reported without indexes and without nulls", () => {
  const fields = Fields.root({ items: [{ a: 1, b: 2, c: null }, { b: 3 }], d: 4 });
  for (const item of fields.items("items")) item.any("a");
  assert.deepEqual(fields.unreadInside(), ["items[].b"]);
  assert.deepEqual(fields.unread(), [["d", 4]]);
});

Deno.test("the root reports unread fields of every nested object, however deep and whichever reader was used", () => {
  const inner = () => ({ known: 1, extra: 2 });
  const fields = Fields.root({
    object: { deep: { deeper: [inner()], extra: 0 }, ...inner() },
    optional: inner(),
    items: [inner(), { list: [inner()] }],
  });
  const deep = fields.object("object").object("deep");
  for (const item of deep.items("deeper")) item.any("known");
  fields.optionalObject("optional")?.any("known");
  for (const item of fields.items("items")) item.items("list");
  assert.deepEqual(fields.unreadInside(), [
    "object.deep.deeper[].extra",
    "object.deep.extra",
    "object.known",
    "object.extra",
    "optional.extra",
    "items[].known",
    "items[].extra",
    "items[].list[].known",
    "items[].list[].extra",
  ]);
});

Deno.test("an object that is read whole has no unread fields, and one that is left out is reported by the given paths", () => {
  const fields = Fields.root({ schema: { a: { b: 1 } }, blocks: [{ type: "x", a: 1 }, { type: "y" }] });
  assert.deepEqual(fields.object("schema").whole(), { a: { b: 1 } });
  for (const block of fields.items("blocks")) block.leaveOut(`blocks[${block.string("type")}]`);
  assert.deepEqual(fields.unreadInside(), ["blocks[x]", "blocks[y]"]);
});
