/** Cohere's embedding models: up to 96 texts in each request, or images. */

import { z } from "zod";
import { sha256Hex } from "../../../base/hash.ts";
import type { JsonValue } from "../../../base/json.ts";
import { parseShape } from "../../converse/issues.ts";
import { countTokens } from "../../model/tokens.ts";
import { invalid } from "../../server/exception.ts";
import type { Embedded, Embedder } from "./embedder.ts";
import { vectorOf } from "./vectors.ts";

const inputType = ["search_document", "search_query", "classification", "clustering", "image"] as const;
const image = z.string().regex(/^data:image\/[a-z]+;base64,./);
const type = z.enum(["float", "int8"]);

const thirdRequest = z.strictObject({
  input_type: z.enum(inputType),
  texts: z.array(z.string().min(1).max(2048)).min(1).max(96).optional(),
  images: z.array(image).length(1).optional(),
  truncate: z.enum(["NONE", "START", "END"]).optional(),
  embedding_types: z.array(type).min(1).optional(),
});

const part = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: z.string().min(1) }),
  z.strictObject({ type: z.literal("image_url"), image_url: z.strictObject({ url: image }) }),
]);

const fourthRequest = z.strictObject({
  input_type: z.enum(inputType),
  texts: z.array(z.string().min(1)).min(1).max(96).optional(),
  images: z.array(image).min(1).max(96).optional(),
  inputs: z.array(z.strictObject({ content: z.array(part).min(1) })).min(1).max(96).optional(),
  truncate: z.enum(["NONE", "LEFT", "RIGHT"]).optional(),
  embedding_types: z.array(type).min(1).optional(),
  max_tokens: z.int().min(1).max(128_000).optional(),
  output_dimension: z.union([z.literal(256), z.literal(512), z.literal(1024), z.literal(1536)]).optional(),
});

export const COHERE: readonly Embedder[] = [
  { id: "cohere.embed-english-v3", embed: embedThird },
  { id: "cohere.embed-multilingual-v3", embed: embedThird },
  { id: "cohere.embed-v4:0", embed: embedFourth },
];

function embedThird(body: JsonValue | undefined): Embedded {
  const { texts, images, input_type, embedding_types } = parseShape(thirdRequest, body ?? {});
  if ((images === undefined) === (input_type === "image")) {
    throw invalid("Malformed input request: images and input_type image must be used together.");
  }
  return embedded(onlyOne({ texts, images }), { size: 1024, texts, types: embedding_types });
}

function embedFourth(body: JsonValue | undefined): Embedded {
  const { texts, images, inputs, output_dimension: size = 1536, embedding_types: types = ["float"] } =
    parseShape(fourthRequest, body ?? {});
  const joined = inputs?.map(({ content }) =>
    content.map((each) => each.type === "text" ? each.text : each.image_url.url).join("\n")
  );
  return embedded(onlyOne({ texts, images, inputs: joined }), { size, texts, types });
}

function onlyOne(lists: Readonly<Record<string, string[] | undefined>>): string[] {
  const [only, other] = Object.values(lists).filter((list) => list !== undefined);
  if (only === undefined || other !== undefined) {
    throw invalid(`Malformed input request: exactly one of ${Object.keys(lists).join(", ")} is required.`);
  }
  return only;
}

interface Vectors {
  readonly size: number;
  readonly texts: string[] | undefined;
  readonly types: readonly ("float" | "int8")[] | undefined;
}

function embedded(inputs: readonly string[], { size, texts = [], types }: Vectors): Embedded {
  const float = inputs.map((text) => vectorOf(text, size));
  const byType = { float, int8: float.map((vector) => vector.map((value) => Math.round(value * 127))) };
  return {
    inputTokens: inputs.reduce((sum, text) => sum + countTokens(text), 0),
    body: {
      id: sha256Hex(JSON.stringify(inputs)).slice(0, 32),
      texts,
      ...(types === undefined ? { embeddings: float, response_type: "embeddings_floats" } : {
        embeddings: Object.fromEntries(types.map((each) => [each, byType[each]])),
        response_type: "embeddings_by_type",
      }),
    },
  };
}
