/** Cohere's own client with the real program and its emulator. */

import assert from "node:assert/strict";
import { CohereClient, CohereClientV2, CohereError } from "cohere-ai";
import { emulatorConfig, KEY } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

const MODELS = {
  ranker: "cohere.rerank-v3-5:0",
  amazon: "amazon.rerank-v1:0",
  vectors: "us.cohere.embed-v4:0",
  titan: "amazon.titan-embed-text-v2:0",
};

const DOCUMENTS = ["fast trains", "red apples from the garden", "green apples"];

function programTest(name: string, test: (program: Program) => Promise<void>): void {
  forEachRuntime(`cohere: ${name}`, async (runtime) => {
    await using program = await startProgram(runtime, emulatorConfig(MODELS));
    await test(program);
  });
}

function clientOf({ url }: Program): CohereClientV2 {
  return new CohereClientV2({ token: KEY, environment: url, maxRetries: 0 });
}

programTest("documents are ranked, by both versions of the API", async (program) => {
  for (const model of ["ranker", "amazon"]) {
    const request = { model, query: "red apples", documents: DOCUMENTS };
    const { results, meta } = await clientOf(program).rerank({ ...request, topN: 2 });
    assert.deepEqual(results.map(({ index }) => index), [1, 2]);
    assert.ok((results[0]?.relevanceScore ?? 0) > (results[1]?.relevanceScore ?? 1));
    assert.equal(meta?.billedUnits?.searchUnits, 1);
    const first = new CohereClient({ token: KEY, environment: program.url, maxRetries: 0 });
    const older = await first.rerank({ ...request, returnDocuments: true });
    assert.deepEqual(older.results.map(({ document }) => document?.text), [
      DOCUMENTS[1],
      DOCUMENTS[2],
      DOCUMENTS[0],
    ]);
  }
});

programTest("texts are embedded", async (program) => {
  for (const model of ["vectors", "titan"]) {
    const answer = await clientOf(program).embed({
      model,
      texts: DOCUMENTS,
      inputType: "search_document",
      outputDimension: 512,
      embeddingTypes: ["float"],
    });
    assert.deepEqual(answer.embeddings.float?.map((vector) => vector.length), [512, 512, 512]);
    assert.deepEqual(answer.texts, DOCUMENTS);
    assert.ok((answer.meta?.billedUnits?.inputTokens ?? 0) > 0);
  }
});

programTest("errors name the field", async (program) => {
  const client = clientOf(program);
  const wrong = [
    () => client.rerank({ model: "vectors", query: "q", documents: ["a"] }),
    () => client.rerank({ model: "ranker", query: "q", documents: [] }),
    () => client.embed({ model: "vectors", texts: ["a"], inputType: "clustering", embeddingTypes: ["int8"] }),
    () => client.embed({ model: "titan", texts: ["a", ""], inputType: "clustering" }),
  ];
  const params = ["model", "documents", "embedding_types[0]", "texts[1]"];
  for (const [index, ask] of wrong.entries()) {
    await assert.rejects(ask, (error) => {
      assert.ok(error instanceof CohereError);
      assert.equal(error.statusCode, 400);
      assert.equal(Object(error.body).error.param, params[index]);
      return true;
    });
  }
});
