/** InvokeModel's ranking to Cohere's. */

import { upstreamProtocol } from "../../base/errors.ts";
import { type JsonValue, member } from "../../base/json.ts";
import type { RerankAnswer, RerankRequest, RerankResult } from "../../wire/cohere/rerank.ts";
import { queriesFor, readCount } from "../../wire/usage.ts";

export interface RerankAnswerContext {
  /** Id of the answer. */
  readonly id: string;
  readonly request: RerankRequest;
  /** From the token count header. */
  readonly inputTokens: number | undefined;
}

/** The answer, sorted by relevance. Throws `upstream_protocol` for a result without a document. */
export function rerankToCohere(
  value: JsonValue,
  { id, request, inputTokens }: RerankAnswerContext,
): RerankAnswer {
  const list = member(value, "results");
  if (!Array.isArray(list)) throw upstreamProtocol("the results are missing");
  const results = list.map((each: JsonValue) => readResult(each, request));
  return {
    id,
    model: request.model,
    results: results.sort((one, other) => other.relevance_score - one.relevance_score),
    meta: {
      api_version: { version: "2" },
      billed_units: { search_units: queriesFor(request.documents.length) },
    },
    ...(inputTokens !== undefined && { usage: { total_tokens: inputTokens } }),
  };
}

function readResult(value: JsonValue, { documents, returnDocuments }: RerankRequest): RerankResult {
  const index = readCount(member(value, "index"));
  const score = member(value, "relevance_score");
  const document = index === undefined ? undefined : documents[index];
  if (index === undefined || document === undefined || typeof score !== "number") {
    throw upstreamProtocol("a result has no document or no score");
  }
  return { index, relevance_score: score, ...(returnDocuments && { document: document.value }) };
}
