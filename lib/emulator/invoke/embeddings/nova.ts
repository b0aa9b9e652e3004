/** Nova's multimodal embedding model, without its asynchronous tasks. */

import { z } from "zod";
import { parseShape } from "../../converse/issues.ts";
import { countTokens } from "../../model/tokens.ts";
import { invalid } from "../../server/exception.ts";
import type { Embedder } from "./embedder.ts";
import { vectorOf } from "./vectors.ts";

const PURPOSES = [
  ...["GENERIC_INDEX", "GENERIC_RETRIEVAL", "TEXT_RETRIEVAL", "IMAGE_RETRIEVAL", "VIDEO_RETRIEVAL"],
  ...["DOCUMENT_RETRIEVAL", "AUDIO_RETRIEVAL", "CLASSIFICATION", "CLUSTERING"],
];

/** https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html */
const request = z.strictObject({
  schemaVersion: z.literal("nova-multimodal-embed-v1").optional(),
  taskType: z.literal("SINGLE_EMBEDDING"),
  singleEmbeddingParams: z.strictObject({
    embeddingPurpose: z.enum(PURPOSES),
    embeddingDimension: z.union([z.literal(256), z.literal(384), z.literal(1024), z.literal(3072)])
      .optional(),
    text: z.strictObject({
      truncationMode: z.enum(["START", "END", "NONE"]),
      value: z.string().min(1).max(8192),
    }).optional(),
    image: z.strictObject({
      format: z.enum(["png", "jpeg", "gif", "webp"]),
      detailLevel: z.enum(["STANDARD_IMAGE", "DOCUMENT_IMAGE"]).optional(),
      source: z.strictObject({ bytes: z.string().min(1) }),
    }).optional(),
  }),
});

export const NOVA: readonly Embedder[] = [{
  id: "amazon.nova-2-multimodal-embeddings-v1:0",
  embed(body) {
    const { singleEmbeddingParams: { embeddingDimension = 3072, text, image } } = parseShape(
      request,
      body ?? {},
    );
    const given = [text?.value, image?.source.bytes].filter((each) => each !== undefined);
    const [input] = given;
    if (input === undefined || given.length > 1) {
      throw invalid("Malformed input request: exactly one of text, image, video, audio is required.");
    }
    const embedding = vectorOf(input, embeddingDimension);
    return {
      inputTokens: countTokens(input),
      body: { embeddings: [{ embeddingType: text === undefined ? "IMAGE" : "TEXT", embedding }] },
    };
  },
}];
