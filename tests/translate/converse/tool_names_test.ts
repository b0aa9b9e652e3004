/** Names of tools and ids of calls: always what Converse allows, always back to what the caller wrote. */

import assert from "node:assert/strict";
import { ToolNames, toolUseId } from "../../../lib/translate/converse/tool_names.ts";
import { Random } from "../../suites/random.ts";

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

Deno.test("ids of calls that Converse allows stay, others are shortened alike wherever they stand", () => {
  assert.equal(toolUseId("call_1.a:b-c"), "call_1.a:b-c");
  for (const id of ["", "a b", "x".repeat(65), "call|fc"]) {
    assert.match(toolUseId(id), /^call_[0-9a-f]{32}$/);
    assert.equal(toolUseId(id), toolUseId(id));
  }
});
