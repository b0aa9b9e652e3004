/** Plain data in pieces arrives whole, with what occurs twice still one object, and in pieces of limited size. */

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { setImmediate } from "node:timers";

import { PieceReader, toPieces, toPiecesInTurns } from "../../lib/base/pieces.ts";
import { sharedBytes, sharedNumbers } from "../../lib/base/shared_bytes.ts";

/** The data as another thread receives it. */
function received(value: object): object | undefined {
  const reader = new PieceReader();
  for (const piece of toPieces(value)) reader.add(structuredClone(piece));
  return reader.value;
}

Deno.test("every kind of plain data arrives as it was", () => {
  const value = {
    texts: ["", "a", "\u{1f600}", "line\nline"],
    numbers: [0, -0, 1.5, -1, Infinity, 2 ** 53, 12n],
    others: [true, false, null, undefined],
    member: { missing: undefined, "odd key": 1, empty: {} },
    lists: [[], [[]], [[1], [2, [3]]]],
    map: new Map<unknown, unknown>([["a", 1], ["b", { c: [null] }], [3, undefined]]),
    set: new Set(["x", 1, undefined]),
  };
  deepEqual(received(value), value);
  ok(Object.hasOwn((received(value) as typeof value).member, "missing"));
});

Deno.test("an object that occurs several times arrives as one", () => {
  const shared = { name: "shared" };
  const value = { list: [shared, shared], byName: new Map([["one", shared]]), alike: { name: "shared" } };
  const { list, byName, alike } = received(value) as typeof value;
  equal(list[0], list[1]);
  equal(byName.get("one"), list[0]);
  ok(alike !== list[0]);
});

Deno.test("large collections arrive in order, over many pieces", () => {
  const entries = Array.from({ length: 20_000 }, (_, index) => ({ name: `entry-${index}`, index }));
  const value = {
    list: entries,
    map: new Map(entries.map((entry) => [entry.name, entry])),
    set: new Set(entries.map(({ index }) => index)),
    nested: [new Map(entries.map(({ index }) => [index, [entries[index]]]))],
  };
  const pieces = toPieces(value);
  ok(pieces.length > 10);
  for (const { codes, values } of pieces) ok(codes.byteLength < 40_000 && values.length < 10_000);
  deepEqual(received(value), value);
  const { list, map } = received(value) as typeof value;
  equal(map.get("entry-19999"), list[19_999]);
});

Deno.test("memory that threads share arrives as itself, and no message holds a view of it", () => {
  const bytes = sharedBytes(new Uint8Array([1, 2, 3]));
  const value = { bytes, again: [bytes], numbers: sharedNumbers(2), buffer: bytes.buffer };
  for (const { codes, values } of toPieces(value)) {
    ok(codes instanceof ArrayBuffer);
    ok(!values.some((each) => ArrayBuffer.isView(each)));
  }
  const arrived = received(value) as typeof value;
  deepEqual(arrived, value);
  equal(arrived.again[0], arrived.bytes);
  bytes[0] = 9;
  equal(arrived.bytes[0], 9);
});

Deno.test("other work has its turns while a large value is split, which gives equal pieces", async () => {
  const entries = Array.from({ length: 2_000 }, (_, index) => ({ name: `entry-${index}` }));
  const value = {
    map: new Map(entries.map((entry) => [entry.name, entry])),
    list: entries,
    small: [1],
    none: null,
  };
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const pieces = await toPiecesInTurns(value);
  isOver = true;
  ok(turns >= 7, `${turns} turns`);
  const reader = new PieceReader();
  for (const piece of pieces) reader.add(structuredClone(piece));
  deepEqual(reader.value, value);
});

Deno.test("nothing is there before the last piece", () => {
  const reader = new PieceReader();
  const pieces = toPieces({ list: Array.from({ length: 20_000 }, (_, index) => `text ${index}`) });
  for (const piece of pieces) {
    equal(reader.value, undefined);
    reader.add(piece);
  }
  ok(reader.value !== undefined);
});

Deno.test("what is not plain data is refused", () => {
  for (
    const [value, words] of [
      [() => {}, "a function"],
      [Symbol("x"), "a symbol"],
      [new Date(), "an object of a class"],
      [new Uint8Array(8), "an object of a class"],
      [new Uint8Array(new SharedArrayBuffer(8), 4), "an object of a class"],
      [Object.create(null), "an object of a class"],
      [JSON.parse('{"__proto__": 1}'), "the key"],
    ] as const
  ) {
    throws(() => toPieces({ value }), new RegExp(`^TypeError: Cannot send ${words}`));
  }
});
