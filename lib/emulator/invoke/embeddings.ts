/** Embedding models: equal vectors for equal texts, similar ones for texts with common words. */

import { createHash } from "node:crypto";
import { z } from "zod";
import { sha256Hex } from "../../base/hash.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { parseShape } from "../converse/issues.ts";
import { countTokens } from "../model/tokens.ts";

export interface Embedded {
  readonly body: JsonObject;
  readonly inputTokens: number;
}

/** An embedding model: it only supports InvokeModel, without streaming. */
export interface Embedder {
  readonly id: string;
  embed(body: JsonValue | undefined): Embedded;
}

const titanRequest = z.strictObject({
  inputText: z.string().min(1).max(50_000),
  dimensions: z.union([z.literal(256), z.literal(512), z.literal(1024)]).optional(),
  normalize: z.boolean().optional(),
  embeddingTypes: z.array(z.enum(["float", "binary"])).min(1).optional(),
});

const cohereV3Request = z.strictObject({
  input_type: z.enum(["search_document", "search_query", "classification", "clustering"]),
  texts: z.array(z.string().min(1)).min(1).max(96),
  truncate: z.enum(["NONE", "START", "END"]).optional(),
  embedding_types: z.array(z.enum(["float", "int8"])).min(1).optional(),
});

const cohereV4Request = z.strictObject({
  ...cohereV3Request.shape,
  max_tokens: z.int().min(1).max(128_000).optional(),
  output_dimension: z.union([z.literal(256), z.literal(512), z.literal(1024), z.literal(1536)]).optional(),
});

export const EMBEDDERS: readonly Embedder[] = [
  { id: "amazon.titan-embed-text-v2:0", embed: titan },
  { id: "cohere.embed-english-v3", embed: (body) => cohere(parseShape(cohereV3Request, body ?? {}), 1024) },
  {
    id: "cohere.embed-multilingual-v3",
    embed: (body) => cohere(parseShape(cohereV3Request, body ?? {}), 1024),
  },
  {
    id: "cohere.embed-v4:0",
    embed(body) {
      const { output_dimension: size = 1536, embedding_types = ["float"], ...request } = parseShape(
        cohereV4Request,
        body ?? {},
      );
      return cohere({ ...request, embedding_types }, size);
    },
  },
];

/** The embedding model with that id, as a foundation model or in a profile of any geography. */
export function findEmbedder(modelId: string): Embedder | undefined {
  const id = /^arn:[^/]*:(?:foundation-model|inference-profile)\/(.+)$/.exec(modelId)?.[1] ?? modelId;
  return EMBEDDERS.find((embedder) => id === embedder.id || id.replace(/^[a-z-]+\./, "") === embedder.id);
}

function titan(body: JsonValue | undefined): Embedded {
  const { inputText, dimensions = 1024, embeddingTypes = ["float"] } = parseShape(titanRequest, body ?? {});
  const embedding = vectorOf(inputText, dimensions);
  const inputTokens = countTokens(inputText);
  const byType = {
    float: embedding,
    binary: embedding.map((value) => value > 0 ? 1 : 0),
  };
  return {
    inputTokens,
    body: {
      ...(embeddingTypes.includes("float") && { embedding }),
      embeddingsByType: Object.fromEntries(embeddingTypes.map((type) => [type, byType[type]])),
      inputTextTokenCount: inputTokens,
    },
  };
}

function cohere(
  { texts, embedding_types: types }: Pick<z.infer<typeof cohereV3Request>, "texts" | "embedding_types">,
  size: number,
): Embedded {
  const float = texts.map((text) => vectorOf(text, size));
  const byType = { float, int8: float.map((vector) => vector.map((value) => Math.round(value * 127))) };
  return {
    inputTokens: texts.reduce((sum, text) => sum + countTokens(text), 0),
    body: {
      id: sha256Hex(JSON.stringify(texts)).slice(0, 32),
      texts,
      ...(types === undefined ? { embeddings: float, response_type: "embeddings_floats" } : {
        embeddings: Object.fromEntries(types.map((type) => [type, byType[type]])),
        response_type: "embeddings_by_type",
      }),
    },
  };
}

/** A vector of length 1: the sum of one pseudo-random vector per word. */
function vectorOf(text: string, size: number): number[] {
  const sum = new Array<number>(size).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text]) {
    let bits = createHash("sha256").update(word).digest().readUInt32LE();
    for (let index = 0; index < size; index++) {
      // A linear congruential generator is good enough.
      bits = (Math.imul(bits, 1664525) + 1013904223) >>> 0;
      sum[index] = (sum[index] ?? 0) + bits / 2 ** 31 - 1;
    }
  }
  const length = Math.hypot(...sum) || 1;
  return sum.map((value) => Number((value / length).toFixed(6)));
}
