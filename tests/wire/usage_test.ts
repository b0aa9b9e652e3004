/** Token counts that an upstream reports. */

import { deepEqual, equal } from "node:assert/strict";
import { familyUsage, queriesFor, readCount } from "../../lib/wire/usage.ts";

Deno.test("a count is an integer that a response can have; anything else is not reported", () => {
  deepEqual([0, 7, 1e9].map(readCount), [0, 7, 1e9]);
  deepEqual([-1, 1.5, 1e9 + 1, 1e300, NaN, Infinity, "7", null].map(readCount), Array(8).fill(undefined));
});

Deno.test("rerankers are billed by queries of up to 100 documents", () => {
  deepEqual([0, 1, 100, 101, 1000].map(queriesFor), [1, 1, 1, 2, 10]);
  const results = [{ index: 0, relevance_score: 0.5 }];
  equal(familyUsage({ results })?.queries, 1);
  equal(familyUsage({ results: [{ text: "no ranking" }] }), undefined);
});
