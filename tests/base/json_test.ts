/** Request bodies: what is accepted, and how exactly the rest is refused. */

import assert from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { AditError } from "../../lib/base/errors.ts";
import { describeJson, mergeFields, mergeJson, outlineOf, parseJsonBody } from "../../lib/base/json.ts";
import type { JsonValue } from "../../lib/base/json.ts";
import { Random } from "../suites/random.ts";

function refusal(body: string | Uint8Array, maxDepth = 8): string {
  try {
    parseJsonBody(typeof body === "string" ? encodeUtf8(body) : body, { maxDepth, maxValues: 100 });
  } catch (error) {
    assert.ok(error instanceof AditError && error.kind === "invalid_request");
    return error.message;
  }
  assert.fail("the body was accepted");
}

Deno.test("an object is parsed, with or without a byte order mark", () => {
  assert.deepEqual(parseJsonBody(encodeUtf8('{"a":[1]}'), { maxDepth: 2, maxValues: 100 }), { a: [1] });
  assert.deepEqual(parseJsonBody(encodeUtf8('\uFEFF{"a":1}'), { maxDepth: 2, maxValues: 100 }), { a: 1 });
});

Deno.test("a member named __proto__ is an ordinary member", () => {
  const body = parseJsonBody(encodeUtf8('{"__proto__":{"polluted":true}}'), { maxDepth: 4, maxValues: 100 });
  assert.equal(Reflect.get({}, "polluted"), undefined);
  assert.equal(Reflect.get(mergeJson(body, { a: 1 }), "polluted"), undefined);
  assert.deepEqual(Object.keys(mergeJson({ a: 1 }, body)), ["a", "__proto__"]);
});

const NOT_JSON: readonly (readonly [body: string, line: number, column: number, expected: string])[] = [
  ["{", 1, 2, "a member name in double quotes"],
  ['{\n  "a": 1,\n}', 3, 1, "a member name in double quotes"],
  ['{"a" 1}', 1, 6, '":"'],
  ['{"a":}', 1, 6, "a value"],
  ['{"a":1 "b":2}', 1, 8, '"," or "}"'],
  ['{"a":[1 2]}', 1, 9, '"," or "]"'],
  ['{"a":[1,]}', 1, 9, 'a value or "]"'],
  ['{"a":tru}', 1, 6, "a value"],
  ['{"a":NaN}', 1, 6, "a value"],
  ["{'a':1}", 1, 2, "a member name in double quotes"],
  ['{"a":01}', 1, 7, '"," or "}"'],
  ['{"a":1.}', 1, 7, '"," or "}"'],
  ['{"a":"é\n"}', 1, 8, "control characters in strings escaped"],
  ['{"a":"\\x"}', 1, 7, "a valid escape sequence"],
  ['{"a":"b', 1, 8, "the end of a string"],
  ['{"a":1} {', 1, 9, "the end"],
  ["   ", 1, 4, "a value"],
  ["grant_type=x", 1, 1, "a value"],
];

for (const [body, line, column, expected] of NOT_JSON) {
  Deno.test(`body ${JSON.stringify(body)} is refused at line ${line}, column ${column}`, () => {
    assert.equal(
      refusal(body),
      `the request body is not valid JSON at line ${line}, column ${column}: expected ${expected}`,
    );
  });
}

const REFUSED: readonly (readonly [name: string, body: string | Uint8Array, message: string])[] = [
  ["empty", "", "the request body is empty; send a JSON object"],
  ["not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), "the request body is not valid UTF-8"],
  ["an array", "[1]", "the request body must be a JSON object, found an array"],
  ["a string", '"secret"', "the request body must be a JSON object, found a string"],
  ["null", "null", "the request body must be a JSON object, found null"],
  [
    "too deep",
    `${'{"a":'.repeat(9)}1${"}".repeat(9)}`,
    "the request body is nested more than 8 levels deep",
  ],
  ["endless brackets", "[".repeat(100_000), "the request body is nested more than 8 levels deep"],
];

for (const [name, body, message] of REFUSED) {
  Deno.test(`a body that is ${name} is refused`, () => assert.equal(refusal(body), message));
}

Deno.test("a body of the greatest depth is accepted", () => {
  parseJsonBody(encodeUtf8(`${'{"a":'.repeat(8)}1${"}".repeat(8)}`), { maxDepth: 8, maxValues: 100 });
});

Deno.test("no refusal of broken JSON quotes it", () => {
  const random = new Random(7);
  const pieces = ["{", "}", "[", "]", ",", ":", '"', "\\", "1", "-", "true", "HEMMELIG", " ", "\n"];
  for (let round = 0; round < 5_000; round++) {
    const body = random.text(pieces, 12);
    if (body === "" || isJson(body)) continue;
    assert.match(
      refusal(body, 64),
      /^the request body is not valid JSON at line \d+, column \d+: expected [a-z"]/,
      body,
    );
    assert.ok(!refusal(body, 64).includes("HEMMELIG"));
  }
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

Deno.test("the depth read off the text is the depth of the value", () => {
  const random = new Random(1);
  for (let round = 0; round < 3_000; round++) {
    const value = randomValue(random, 6);
    const depth = depthOf(value);
    const text = JSON.stringify(value, null, random.below(3));
    assert.equal(outlineOf(text).depth, depth, JSON.stringify(value));
  }
});

/** The simple measure that the fast one is held to. */
function depthOf(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function randomValue(random: Random, levels: number): JsonValue {
  const text = random.text(['"', "\\", "{", "}", "[", "]", "é", "x", "\n", "\u0001"], 6);
  switch (levels === 0 ? 0 : random.below(4)) {
    case 1:
      return Array.from({ length: random.below(3) }, () => randomValue(random, levels - 1));
    case 2:
    case 3:
      return { [text]: randomValue(random, levels - 1), [`${text}2`]: randomValue(random, levels - 1) };
    default:
      return random.pick([text, 1.5, null, true]);
  }
}

Deno.test("merging goes into objects and nothing else", () => {
  assert.deepEqual(
    mergeJson({ a: { b: 1, c: [1] }, d: 1, e: { f: 1 } }, { a: { c: [2] }, d: { g: 1 }, e: null }),
    { a: { b: 1, c: [2] }, d: { g: 1 }, e: null },
  );
});

Deno.test("of two objects of another type each, the upper replaces the lower whole", () => {
  const under = { a: { type: "enabled", budget: 1 }, b: { type: "x", c: { type: 1, d: 1 } } };
  assert.deepEqual(mergeFields(under, { a: { type: "disabled" }, b: { type: "x", c: { type: 2 } } }), {
    a: { type: "disabled" },
    b: { type: "x", c: { type: 2 } },
  });
  assert.deepEqual(mergeFields(under, { a: { budget: 2 } }).a, { type: "enabled", budget: 2 });
  assert.deepEqual(mergeJson(under, { a: { type: "disabled" } }).a, { type: "disabled", budget: 1 });
});

Deno.test("values are described by kind alone", () => {
  const described = [undefined, null, "", "x", [], [1], {}, 1, false].map(describeJson);
  assert.deepEqual(described, [
    "nothing",
    "null",
    "an empty string",
    "a string",
    "an empty array",
    "an array",
    "an object",
    "a number",
    "a boolean",
  ]);
});

Deno.test("a body with too many values is refused, however they are nested", () => {
  const parse = (text: string) => parseJsonBody(encodeUtf8(text), { maxDepth: 8, maxValues: 10 });
  const list = (length: number) => JSON.stringify({ a: Array(length).fill(1) });
  assert.ok(parse(list(9)));
  assert.ok(parse(JSON.stringify({ a: ",[{".repeat(100) })));
  for (
    const text of [list(10), '{"a":[[[],[]],[[],[]],[[],[]],[]]}', `{${Array(11).fill('"a":1').join()}}`]
  ) {
    assert.throws(() => parse(text), { message: "the request body has more than 10 JSON values" });
  }
});
