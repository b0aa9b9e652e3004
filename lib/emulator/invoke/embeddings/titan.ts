/** Titan's embedding models: one text, one image or both in each request. */

import { Buffer } from "node:buffer";
import { z } from "zod";
import type { JsonValue } from "../../../base/json.ts";
import { parseShape } from "../../converse/issues.ts";
import { countTokens } from "../../model/tokens.ts";
import { invalid } from "../../server/exception.ts";
import type { Embedded, Embedder } from "./embedder.ts";
import { meanOf, vectorOf } from "./vectors.ts";

const text = z.string().min(1).max(50_000);

const firstRequest = z.strictObject({ inputText: text });

const secondRequest = z.strictObject({
  inputText: text,
  dimensions: z.union([z.literal(256), z.literal(512), z.literal(1024)]).optional(),
  normalize: z.boolean().optional(),
  embeddingTypes: z.array(z.enum(["float", "binary"])).min(1).optional(),
});

const imageRequest = z.strictObject({
  inputText: z.string().min(1).optional(),
  inputImage: z.string().min(1).optional(),
  embeddingConfig: z.strictObject({
    outputEmbeddingLength: z.union([z.literal(256), z.literal(384), z.literal(1024)]),
  }).optional(),
});

/** https://docs.aws.amazon.com/bedrock/latest/userguide/titan-multiemb-models.html */
const MAX_IMAGE_TEXT_TOKENS = 256;

export const TITAN: readonly Embedder[] = [
  { id: "amazon.titan-embed-text-v1", embed: embedFirst },
  { id: "amazon.titan-embed-g1-text-02", embed: embedFirst },
  { id: "amazon.titan-embed-text-v2:0", embed: embedSecond },
  { id: "amazon.titan-embed-image-v1", embed: embedImage },
];

function embedFirst(body: JsonValue | undefined): Embedded {
  const { inputText } = parseShape(firstRequest, body ?? {});
  const inputTokens = countTokens(inputText);
  return {
    inputTokens,
    body: { embedding: vectorOf(inputText, 1536), inputTextTokenCount: inputTokens },
  };
}

function embedSecond(body: JsonValue | undefined): Embedded {
  const { inputText, dimensions = 1024, embeddingTypes = ["float"] } = parseShape(secondRequest, body ?? {});
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

/** For an input that cannot be embedded, the status is 200, and the body contains a message. */
function embedImage(body: JsonValue | undefined): Embedded {
  const { inputText, inputImage, embeddingConfig } = parseShape(imageRequest, body ?? {});
  const size = embeddingConfig?.outputEmbeddingLength ?? 1024;
  if (inputText === undefined && inputImage === undefined) {
    throw invalid("Malformed input request, either inputText or inputImage is required.");
  }
  const inputTokens = inputText === undefined ? 0 : countTokens(inputText);
  if (inputTokens > MAX_IMAGE_TEXT_TOKENS) return refused("Input text exceeds the limit of 256 tokens.");
  if (inputImage !== undefined && !isImage(inputImage)) return refused("Failed to decode the input image.");
  const parts = [inputText, inputImage].filter((part) => part !== undefined);
  const embedding = meanOf(parts.map((part) => vectorOf(part, size)));
  return { inputTokens, body: { embedding, inputTextTokenCount: inputTokens, message: null } };
}

function refused(message: string): Embedded {
  return { inputTokens: 0, body: { embedding: null, inputTextTokenCount: 0, message } };
}

function isImage(base64: string): boolean {
  return /^(?:\x89PNG|\xff\xd8\xff)/.test(Buffer.from(base64.slice(0, 16), "base64").toString("latin1"));
}
