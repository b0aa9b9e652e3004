/** The documents show the figures in tests/bench/results/benchmark.json; tests/bench/publish.ts writes them. */

import assert from "node:assert/strict";
import { DOCUMENTS, readResults, splitDocument } from "../bench/publish.ts";
import { readRepositoryFile } from "../meta/sources.ts";

/** The formatter pads tables and wraps lines. */
function withoutLayout(markdown: string): string {
  return markdown.replace(/-{3,}/g, "---").replace(/\s+/g, " ").trim();
}

for (const [document, generate] of Object.entries(DOCUMENTS)) {
  Deno.test(`${document} shows the stored benchmark figures`, async () => {
    const [, generated] = splitDocument(readRepositoryFile(document));
    assert.equal(withoutLayout(generated), withoutLayout(generate(await readResults())));
  });
}
