import assert from "node:assert/strict";
import { Counters } from "../../lib/base/counters.ts";

Deno.test("names are counted separately, and those beyond the limit together", () => {
  const counters = new Counters(2);
  for (const name of ["a", "b", "a", "c", "d", "b"]) counters.add(name);
  assert.deepEqual(counters.toJSON(), { a: 2, b: 2, "(others)": 2 });
});

Deno.test("a name that objects inherit is a name like any other", () => {
  const counters = new Counters();
  counters.add("constructor");
  counters.add("toString");
  assert.equal(JSON.stringify(counters), '{"constructor":1,"toString":1}');
});
