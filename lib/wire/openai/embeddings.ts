/** OpenAI's Embeddings: the request, parsed and validated, and the shape of the answer. */

import { type AditError, invalidField } from "../../base/errors.ts";
import { hasNoMembers, isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { Fields, unexpected } from "../fields.ts";

/** https://platform.openai.com/docs/api-reference/embeddings/create, with extensions for Bedrock's models. */
export interface EmbeddingsRequest {
  readonly model: string;
  /** At least one. */
  readonly inputs: readonly EmbeddingInput[];
  readonly dimensions: number | undefined;
  readonly encoding: EmbeddingEncoding;
  /** Extension: what the embeddings are for, in Cohere's words. */
  readonly inputType: EmbeddingInputType | undefined;
  /** Extension: whether a text that is too long is cut, and where. */
  readonly truncate: Truncation | undefined;
  /** Fields that are set but have no member here. */
  readonly otherFields: readonly string[];
}

/** One entry of `input`: a text, an image, or both. */
export interface EmbeddingInput {
  /** `input`, or `input[3]`. */
  readonly path: string;
  readonly text: string | undefined;
  /** A `data:` URL. */
  readonly image: string | undefined;
}

export const EMBEDDING_ENCODINGS = ["float", "base64"] as const;
export type EmbeddingEncoding = (typeof EMBEDDING_ENCODINGS)[number];

export const EMBEDDING_INPUT_TYPES = [
  "search_document",
  "search_query",
  "classification",
  "clustering",
] as const;
export type EmbeddingInputType = (typeof EMBEDDING_INPUT_TYPES)[number];

export const TRUNCATIONS = ["none", "start", "end"] as const;
export type Truncation = (typeof TRUNCATIONS)[number];

/** OpenAI's limit. */
const MAX_INPUTS = 2048;

/** Parses a request body; throws `invalid_request` with the path of the first invalid field. */
export function parseEmbeddingsRequest(body: JsonObject): EmbeddingsRequest {
  const fields = Fields.root(body);
  const request = {
    model: fields.string("model"),
    inputs: parseInputs(fields.any("input")),
    dimensions: fields.optionalCount("dimensions"),
    encoding: fields.optionalOneOf("encoding_format", EMBEDDING_ENCODINGS) ?? "float",
    inputType: fields.optionalOneOf("input_type", EMBEDDING_INPUT_TYPES),
    truncate: fields.optionalOneOf("truncate", TRUNCATIONS),
  };
  if (request.model === "") throw invalidField("model", "missing; send the name of a model");
  return { ...request, otherFields: fields.unread().map(([name]) => name) };
}

function parseInputs(input: JsonValue | undefined): readonly EmbeddingInput[] {
  if (!Array.isArray(input)) return [parseInput(input, "input")];
  if (input.length === 0) throw invalidField("input", "the list is empty; send at least one text");
  if (input.length > MAX_INPUTS) {
    throw invalidField("input", `at most ${MAX_INPUTS} inputs are allowed, found ${input.length}`);
  }
  if (typeof input[0] === "number") throw tokensRefused("input");
  return input.map((each: JsonValue, index) => parseInput(each, `input[${index}]`));
}

function parseInput(input: JsonValue | undefined, path: string): EmbeddingInput {
  if (typeof input === "string") return { path, text: readText(input, path), image: undefined };
  if (Array.isArray(input)) throw tokensRefused(path);
  if (!isJsonObject(input)) throw unexpected(path, "a string, or an object with text or image", input);
  const { text, image, ...others } = input;
  if (!hasNoMembers(others)) throw invalidField(path, "expected an object with only text, image or both");
  if (text === undefined && image === undefined) throw invalidField(path, "expected text or image");
  return {
    path,
    text: text === undefined ? undefined : readText(text, `${path}.text`),
    image: image === undefined ? undefined : readText(image, `${path}.image`),
  };
}

function readText(value: JsonValue, path: string): string {
  if (typeof value !== "string") throw unexpected(path, "a string", value);
  if (value === "") throw invalidField(path, "must not be empty");
  return value;
}

/** Only OpenAI's own models understand the token ids of its tokenizer. */
function tokensRefused(path: string): AditError {
  return invalidField(
    path,
    "token arrays are not supported, send strings; with LangChain, set check_embedding_ctx_length=False",
  );
}

/** https://platform.openai.com/docs/api-reference/embeddings/object */
export interface EmbeddingsAnswer {
  readonly object: "list";
  readonly data: readonly EmbeddingObject[];
  readonly model: string;
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}

export interface EmbeddingObject {
  readonly object: "embedding";
  readonly index: number;
  /** Base64 of the vector's little-endian 32-bit floats, or its numbers. */
  readonly embedding: string | readonly number[];
}
