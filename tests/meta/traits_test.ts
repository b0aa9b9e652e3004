/** Traits of models: each has an effect, because one that is only documented and configured changes nothing. */

import assert from "node:assert/strict";
import { TRAIT_PROPERTIES } from "../../lib/facts/traits.ts";
import { readRepositoryFile, repositoryFiles } from "./sources.ts";

Deno.test("every trait of a model is read where requests are translated", async () => {
  const files = (await repositoryFiles()).filter((path) => path.startsWith("lib/translate/"));
  const code = files.map(readRepositoryFile).join("\n");
  const unread = Object.values(TRAIT_PROPERTIES).filter((name) => !new RegExp(`\\b${name}\\b`).test(code));
  assert.deepEqual(unread, []);
});
