/** Cohere's Rerank to InvokeModel. */

import { AditError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ModelTraits, RerankApi } from "../../facts/traits.ts";
import type { ModelSettings } from "../../snapshot/snapshot.ts";
import type { RerankRequest } from "../../wire/cohere/rerank.ts";
import { IgnoredFields } from "../converse/ignored.ts";
import { invokeHeaders } from "../converse/invoke_headers.ts";

export interface RerankContext {
  readonly traits: Pick<ModelTraits, "rerank">;
  readonly settings?: ModelSettings;
}

export interface RerankCall {
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
  readonly ignored: readonly string[];
}

/** Throws `invalid_request` for a model that does not rerank. */
export function rerankToInvoke(request: RerankRequest, { traits, settings }: RerankContext): RerankCall {
  const { rerank: api } = traits;
  if (api === "none") {
    throw new AditError("invalid_request", "this model does not rerank; use a rerank model", {
      param: "model",
    });
  }
  const ignored = new IgnoredFields(request.otherFields);
  const { query, documents, topN, maxTokensPerDocument } = request;
  if (maxTokensPerDocument !== undefined && api !== "cohere") ignored.add("max_tokens_per_doc");
  return {
    body: {
      query,
      documents: documents.map(({ text }) => text),
      // Bedrock refuses more results than documents.
      ...(topN !== undefined && { top_n: Math.min(topN, documents.length) }),
      ...EXTRAS[api](maxTokensPerDocument),
    },
    headers: invokeHeaders(settings),
    ignored: ignored.list(),
  };
}

/** Members that only some families have: https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-supported.html */
const EXTRAS: Readonly<Record<Exclude<RerankApi, "none">, (maxTokens: number | undefined) => JsonObject>> = {
  // Cohere's model refuses a body without the version.
  cohere: (maxTokens) => ({
    api_version: 2,
    ...(maxTokens !== undefined && { max_tokens_per_doc: maxTokens }),
  }),
  amazon: () => ({}),
};
