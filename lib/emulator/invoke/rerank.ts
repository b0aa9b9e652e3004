/** Rerank models: documents that share more words with the query are more relevant. */

import { z } from "zod";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { parseShape } from "../converse/issues.ts";
import { invalid } from "../server/exception.ts";

/** A rerank model: it only supports InvokeModel, without streaming, and reports no tokens. */
export interface Reranker {
  readonly id: string;
  rank(body: JsonValue | undefined): JsonObject;
}

const shared = {
  query: z.string().min(1).max(32_000),
  documents: z.array(z.string().min(1).max(32_000)).min(1).max(1000),
  top_n: z.int().min(1).max(1000).optional(),
};

const cohereRequest = z.strictObject({
  ...shared,
  api_version: z.int().min(2),
  max_tokens_per_doc: z.int().min(1).optional(),
});

const amazonRequest = z.strictObject(shared);

export const RERANKERS: readonly Reranker[] = [
  { id: "cohere.rerank-v3-5:0", rank: (body) => ranked(parseShape(cohereRequest, body ?? {})) },
  { id: "amazon.rerank-v1:0", rank: (body) => ranked(parseShape(amazonRequest, body ?? {})) },
];

/** The rerank model with that id or foundation model ARN. */
export function findReranker(modelId: string): Reranker | undefined {
  const id = /^arn:[^/]*:foundation-model\/(.+)$/.exec(modelId)?.[1] ?? modelId;
  return RERANKERS.find((reranker) => reranker.id === id);
}

function ranked(
  { query, documents, top_n: count = documents.length }: z.infer<typeof amazonRequest>,
): JsonObject {
  if (count > documents.length) {
    throw invalid(`top_n must not exceed the number of documents: ${count} > ${documents.length}`);
  }
  const asked = wordsOf(query);
  const results = documents.map((document, index) => {
    const words = wordsOf(document);
    const common = [...asked].filter((word) => words.has(word)).length;
    return { index, relevance_score: Number(((common + 0.01) / (asked.size + 0.02)).toFixed(6)) };
  });
  return { results: results.sort((a, b) => b.relevance_score - a.relevance_score).slice(0, count) };
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text]);
}
