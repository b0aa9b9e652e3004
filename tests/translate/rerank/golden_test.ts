/** Every golden case of the Rerank translation, and answers that cannot be read. */

import assert from "node:assert/strict";
import { AditError } from "../../../lib/base/errors.ts";
import { rerankToCohere } from "../../../lib/translate/rerank/answer.ts";
import { parseRerankRequest } from "../../../lib/wire/cohere/rerank.ts";
import { rerankCases, runRerankCase } from "../../suites/rerank_golden.ts";

for (const path of rerankCases()) {
  Deno.test(`golden rerank: ${path}`, () => runRerankCase(path));
}

Deno.test("the golden cases of rerank are found", () => assert.ok(rerankCases().length >= 15));

Deno.test("a ranking of documents that were not sent is an error", () => {
  const request = parseRerankRequest({ model: "m", query: "q", documents: ["a"] });
  const results = [
    undefined,
    [{ index: 1, relevance_score: 1 }],
    [{ index: 0 }],
    [{ relevance_score: 1 }],
    ["a"],
  ];
  for (const list of results) {
    assert.throws(
      () => rerankToCohere(list === undefined ? {} : { results: list }, { id: "x", request, inputTokens: 1 }),
      (error) => error instanceof AditError && error.kind === "upstream_protocol",
    );
  }
});

Deno.test("a token count becomes the usage that Jina's clients read", () => {
  const request = parseRerankRequest({ model: "m", query: "q", documents: ["a"] });
  const value = { results: [{ index: 0, relevance_score: 0.5 }] };
  const { usage } = rerankToCohere(value, { id: "x", request, inputTokens: 12 });
  assert.deepEqual(usage, { total_tokens: 12 });
});
