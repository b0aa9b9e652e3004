/** The list of ignored fields: fit for a header whatever a caller invents. */

import assert from "node:assert/strict";
import { IgnoredFields } from "../../../lib/translate/converse/ignored.ts";

Deno.test("ignored fields are listed once, in order, and only with characters that a header allows", () => {
  const ignored = new IgnoredFields(["seed", "messages[].name", "seed"]);
  for (const name of ["a\r\nx-evil: 1", "ü", "x".repeat(65), ""]) ignored.add(name);
  assert.deepEqual(ignored.list(), ["seed", "messages[].name", "(unprintable)"]);
});

Deno.test("the list of ignored fields is bounded", () => {
  const ignored = new IgnoredFields(Array.from({ length: 10_000 }, (_, index) => `field_${index}`));
  assert.equal(ignored.list().length, 32);
});
