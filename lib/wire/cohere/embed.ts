/** Cohere's Embed, version 2: its request as OpenAI's Embeddings, and the shape of its answer. */

import { invalidField } from "../../base/errors.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { Fields, unexpected } from "../fields.ts";
import {
  EMBEDDING_INPUT_TYPES,
  type EmbeddingInput,
  type EmbeddingsRequest,
  TRUNCATIONS,
} from "../openai/embeddings.ts";

/** https://docs.cohere.com/reference/embed */
export interface EmbedRequest {
  readonly request: EmbeddingsRequest;
  readonly types: readonly EmbedType[];
}

export const EMBED_TYPES = ["float", "base64"] as const;
export type EmbedType = (typeof EMBED_TYPES)[number];

const TYPES_LEFT_OUT = new Set(["int8", "uint8", "binary", "ubinary"]);

/** Parses a request body; throws `invalid_request` with the path of the first invalid field. */
export function parseEmbedRequest(body: JsonObject): EmbedRequest {
  const fields = Fields.root(body);
  const types = parseTypes(fields.optionalArray("embedding_types"));
  const inputType = fields.optionalOneOf("input_type", [...EMBEDDING_INPUT_TYPES, "image"] as const);
  const truncate = fields.optionalOneOf("truncate", ["NONE", "START", "END"] as const);
  const request = {
    model: fields.string("model"),
    inputs: parseInputs(fields),
    dimensions: fields.optionalCount("output_dimension"),
    encoding: "float" as const,
    inputType: inputType === "image" ? undefined : inputType,
    truncate: TRUNCATIONS.find((each) => each.toUpperCase() === truncate),
  };
  const otherFields = [...fields.unread().map(([name]) => name), ...fields.unreadInside()];
  return { request: { ...request, otherFields }, types };
}

function parseTypes(types: readonly JsonValue[] | undefined): readonly EmbedType[] {
  if (types === undefined || types.length === 0) return ["float"];
  return types.map((type, index) => {
    const path = `embedding_types[${index}]`;
    const known = EMBED_TYPES.find((each) => each === type);
    if (known !== undefined) return known;
    if (typeof type === "string" && TYPES_LEFT_OUT.has(type)) {
      throw invalidField(path, "only float and base64 are supported");
    }
    throw unexpected(path, '"float" or "base64"', type);
  });
}

/** Exactly one of `texts`, `images` and `inputs`. */
function parseInputs(fields: Fields): readonly EmbeddingInput[] {
  const texts = fields.optionalArray("texts");
  const images = fields.optionalArray("images");
  const inputs = fields.items("inputs");
  const lists = [
    texts?.map((text, index) => plain("text", text, `texts[${index}]`)) ?? [],
    images?.map((image, index) => plain("image", image, `images[${index}]`)) ?? [],
    inputs.map(parseMixed),
  ].filter((list) => list.length > 0);
  const [only, other] = lists;
  if (only === undefined || other !== undefined) {
    throw invalidField("texts", "expected exactly one of texts, images and inputs");
  }
  return only;
}

function plain(kind: "text" | "image", value: JsonValue, path: string): EmbeddingInput {
  if (typeof value !== "string") throw unexpected(path, "a string", value);
  if (value === "") throw invalidField(path, "must not be empty");
  return { path, text: undefined, image: undefined, [kind]: value };
}

function parseMixed(input: Fields): EmbeddingInput {
  const parts = input.items("content");
  const texts = parts.filter((part) => part.oneOf("type", ["text", "image_url"] as const) === "text");
  const images = parts.filter((part) => !texts.includes(part));
  const text = texts.map((part) => part.string("text")).join("\n");
  if ((text === "" && images.length === 0) || images.length > 1) {
    throw invalidField(`${input.path}.content`, "expected text, an image or both");
  }
  return {
    path: input.path,
    text: text === "" ? undefined : text,
    image: images[0]?.object("image_url").string("url"),
  };
}

export interface EmbedAnswer {
  readonly id: string;
  readonly embeddings: {
    readonly float?: readonly (readonly number[])[];
    readonly base64?: readonly string[];
  };
  readonly texts: readonly string[];
  readonly meta: {
    readonly api_version: { readonly version: string };
    readonly billed_units: { readonly input_tokens: number };
  };
}
