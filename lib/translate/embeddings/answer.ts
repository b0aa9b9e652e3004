/** InvokeModel's embeddings to OpenAI's. */

import { Buffer } from "node:buffer";
import { upstreamProtocol } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json.ts";
import type { Usage } from "../../base/usage.ts";
import type { EmbedAnswer, EmbedType } from "../../wire/cohere/embed.ts";
import type { EmbeddingEncoding, EmbeddingsAnswer } from "../../wire/openai/embeddings.ts";
import { readCount } from "../../wire/usage.ts";
import { apiRow, readVector } from "./apis.ts";
import type { EmbeddingsCall } from "./request.ts";

/** What Bedrock answered to one of the requests. */
export interface EmbeddedPiece {
  readonly vectors: readonly (readonly number[])[];
  /** Undefined if the model does not report any. */
  readonly inputTokens: number | undefined;
}

export interface PieceAnswer {
  readonly value: JsonValue;
  /** From the token count header. */
  readonly headerTokens: number | undefined;
  /** The number of vectors that were asked for. */
  readonly count: number;
}

/** Bedrock's words for why it refused the input, where the status says success. */
export function refusalIn({ api }: EmbeddingsCall, value: JsonValue): string | undefined {
  const refusal = apiRow(api).refusal?.(value);
  return typeof refusal === "string" && refusal !== "" ? refusal : undefined;
}

/** Throws `upstream_protocol` unless there is a vector for each input. */
export function readPiece(
  { api }: EmbeddingsCall,
  { value, headerTokens, count }: PieceAnswer,
): EmbeddedPiece {
  const row = apiRow(api);
  const vectors = (row.vectors(value) ?? []).map(readVector);
  if (vectors.length !== count) {
    throw upstreamProtocol(`expected ${count} embeddings, found ${vectors.length}`);
  }
  return { vectors, inputTokens: readCount(row.tokens?.(value)) ?? headerTokens };
}

export interface AnswerContext {
  /** As the caller sent it. */
  readonly model: string;
  readonly encoding: EmbeddingEncoding;
}

/** The answer for all pieces, in the order of the inputs. */
export function embeddingsToOpenAi(
  pieces: readonly EmbeddedPiece[],
  { model, encoding }: AnswerContext,
): EmbeddingsAnswer {
  const tokens = usageOfPieces(pieces)?.inputTokens ?? 0;
  const data = pieces.flatMap(({ vectors }) => vectors).map((vector, index) => ({
    object: "embedding" as const,
    index,
    embedding: encoding === "base64" ? floatsInBase64(vector) : vector,
  }));
  return { object: "list", data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

export interface EmbedContext {
  /** Id of the answer. */
  readonly id: string;
  readonly texts: readonly string[];
  readonly types: readonly EmbedType[];
}

/** The same in the form of Cohere's Embed. */
export function embeddingsToCohere(
  pieces: readonly EmbeddedPiece[],
  { id, texts, types }: EmbedContext,
): EmbedAnswer {
  const vectors = pieces.flatMap((piece) => piece.vectors);
  return {
    id,
    embeddings: {
      ...(types.includes("float") && { float: vectors }),
      ...(types.includes("base64") && { base64: vectors.map(floatsInBase64) }),
    },
    texts,
    meta: {
      api_version: { version: "2" },
      billed_units: { input_tokens: usageOfPieces(pieces)?.inputTokens ?? 0 },
    },
  };
}

/** The sum of what was reported; undefined if nothing was. */
export function usageOfPieces(pieces: readonly EmbeddedPiece[]): Usage | undefined {
  const reported = pieces.flatMap(({ inputTokens }) => inputTokens ?? []);
  if (reported.length === 0) return undefined;
  const inputTokens = reported.reduce((sum, each) => sum + each, 0);
  return { inputTokens, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
}

/** Base64 of the numbers as little-endian 32-bit floats, which is what OpenAI's clients decode. */
function floatsInBase64(vector: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [index, value] of vector.entries()) bytes.setFloat32(index * 4, value, true);
  return Buffer.from(bytes.buffer).toString("base64");
}
