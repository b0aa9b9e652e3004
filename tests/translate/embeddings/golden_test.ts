/** Every golden case of the Embeddings translation. */

import assert from "node:assert/strict";
import { embeddingsCases, runEmbeddingsCase } from "../../suites/embeddings_golden.ts";

for (const path of embeddingsCases()) {
  Deno.test(`golden embeddings: ${path}`, () => runEmbeddingsCase(path));
}

Deno.test("the golden cases of embeddings are found", () => assert.ok(embeddingsCases().length >= 25));
