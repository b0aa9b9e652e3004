/** Names of tools and ids of calls: always what Converse allows, always back to what the caller wrote. */

import assert from "node:assert/strict";
import { CallIds, ToolNames } from "../../../../lib/translate/converse/tools/tool_names.ts";
import { Random } from "../../../suites/random.ts";

Deno.test("every name maps to one that Converse allows, and back", () => {
  const random = new Random(3);
  const names = new ToolNames();
  const mapped = new Map<string, string>();
  for (let round = 0; round < 2_000; round++) {
    const name = random.text(["a", "B", "_", "-", ".", "/", " ", "é", "🙂", "long_piece_"], 20);
    const converse = names.toConverse(name);
    assert.match(converse, /^[a-zA-Z0-9_-]{1,64}$/);
    assert.equal(names.toCaller(converse), name);
    assert.equal(new ToolNames().toConverse(name), converse, "the same in every request");
    assert.equal(mapped.get(converse) ?? name, name, "no two names become one");
    mapped.set(converse, name);
  }
});

Deno.test("call ids that Converse allows are kept, others are always mapped in the same way", () => {
  assert.equal(new CallIds().next("call_1.a:b-c"), "call_1.a:b-c");
  for (const id of ["", "a b", "x".repeat(65), "call|fc"]) {
    assert.match(new CallIds().next(id), /^call_[0-9a-f]{32}$/);
    assert.equal(new CallIds().next(id), new CallIds().next(id));
  }
});

Deno.test("for a model with call ids of nine letters and digits, every other id is mapped to one", () => {
  const ids = new CallIds({ toolCallIds: "nine_alphanumeric" });
  assert.equal(ids.next("abcDEF123"), "abcDEF123");
  const asked = ["tooluse_aB3_x9Qe7uY2kLmN", "call_123456789", "abcdefgh", "abc-12345", "", "abcDEF123"];
  const sent = asked.map((id) => ids.next(id));
  for (const id of sent) assert.match(id, /^[a-zA-Z0-9]{9}$/);
  assert.equal(new Set(sent).size, asked.length);
  assert.deepEqual(asked.map((id) => ids.current(id)), sent, "the results have the ids of their calls");
});

Deno.test("if a model accepts no hyphens, names with and without one remain distinct in both directions", () => {
  const names = new ToolNames({ toolNameHyphens: false });
  const asked = ["get-weather", "get_weather", "get.weather", "-", "a-b-c", "plain"];
  const mapped = asked.map((name) => names.toConverse(name));
  for (const name of mapped) assert.match(name, /^[a-zA-Z0-9_]{1,64}$/);
  assert.equal(new Set(mapped).size, asked.length);
  assert.deepEqual(mapped.map((name) => names.toCaller(name)), asked);
  assert.deepEqual([mapped[1], mapped[5]], ["get_weather", "plain"]);
});

Deno.test("a call id that is used again is mapped to another one, the same in every request", () => {
  const history = ["f:0", "f:1", "f:0", "f:0", "a b", "a b"];
  const sent = () => {
    const ids = new CallIds();
    return history.map((id) => {
      const next = ids.next(id);
      assert.equal(ids.current(id), next, "the result has the id of its call");
      return next;
    });
  };
  const ids = sent();
  assert.deepEqual(ids.slice(0, 2), ["f:0", "f:1"]);
  assert.equal(new Set(ids).size, history.length);
  for (const id of ids) assert.match(id, /^[a-zA-Z0-9_.:-]{1,64}$/);
  assert.deepEqual(sent(), ids);
});
