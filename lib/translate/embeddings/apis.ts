/** The InvokeModel bodies of Bedrock's embedding models: one row for each form. */

import { upstreamProtocol } from "../../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, member } from "../../base/json.ts";
import type { EmbeddingApi } from "../../facts/traits.ts";
import type { EmbeddingInputType, Truncation } from "../../wire/openai/embeddings.ts";
import type { TextData } from "../converse/media/data_url.ts";
import type { ImageFormat } from "../../wire/bedrock/converse.ts";

/** One input with its image decoded. */
export interface Input {
  readonly path: string;
  readonly text: string | undefined;
  readonly image: (TextData & { readonly format: ImageFormat }) | undefined;
}

/** Other settings of a body. */
export interface Options {
  /** Undefined for the model's own size, always so if it has only one. */
  readonly dimensions: number | undefined;
  readonly inputType: EmbeddingInputType;
  readonly truncate: Truncation | undefined;
}

/** Options that a model may have no field for. */
export type OptionName = "input_type" | "truncate";

/** What a model accepts as one input. */
type InputKind = "text" | "image" | "both";

interface ApiRow {
  /** Maximum number of texts in a request; images have requests of their own. */
  readonly maxTexts: number;
  readonly inputs: ReadonlySet<InputKind>;
  readonly options: ReadonlySet<OptionName>;
  body(inputs: readonly Input[], options: Options): JsonObject;
  /** The vectors in the order of the inputs; undefined for an answer of another form. */
  vectors(answer: JsonValue): readonly JsonValue[] | undefined;
  /** The token count in the answer's body, for models that put it there. */
  tokens?(answer: JsonValue): JsonValue | undefined;
  /** Why the input was refused, for models that say so with status 200. */
  refusal?(answer: JsonValue): JsonValue | undefined;
}

const TEXT: ReadonlySet<InputKind> = new Set(["text"]);
const TEXT_OR_IMAGE: ReadonlySet<InputKind> = new Set(["text", "image"]);
const ALL: ReadonlySet<InputKind> = new Set(["text", "image", "both"]);
const NO_OPTIONS: ReadonlySet<OptionName> = new Set();
const TRUNCATE: ReadonlySet<OptionName> = new Set(["truncate"]);
const BOTH_OPTIONS: ReadonlySet<OptionName> = new Set(["input_type", "truncate"]);

const ROWS = {
  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
  titan_text: {
    maxTexts: 1,
    inputs: TEXT,
    options: NO_OPTIONS,
    body: ([input], { dimensions }) => ({ inputText: textOf(input), ...given({ dimensions }) }),
    vectors: onlyVector,
    tokens: (answer) => member(answer, "inputTextTokenCount"),
  },
  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html
  titan_image: {
    maxTexts: 1,
    inputs: ALL,
    options: NO_OPTIONS,
    body: ([input], { dimensions }) => ({
      ...given({ inputText: input?.text, inputImage: input?.image?.base64 }),
      ...(dimensions !== undefined && { embeddingConfig: { outputEmbeddingLength: dimensions } }),
    }),
    vectors: onlyVector,
    tokens: (answer) => member(answer, "inputTextTokenCount"),
    refusal: (answer) => member(answer, "message"),
  },
  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html
  cohere_3: {
    maxTexts: 96,
    inputs: TEXT_OR_IMAGE,
    options: BOTH_OPTIONS,
    body(inputs, { inputType, truncate }) {
      const [image] = inputs.flatMap((input) => input.image ?? []);
      return image === undefined
        ? {
          texts: inputs.map(textOf),
          input_type: inputType,
          ...given({ truncate: truncate?.toUpperCase() }),
        }
        : { images: [dataUrl(image)], input_type: "image" };
    },
    vectors: cohereVectors,
  },
  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v4.html
  cohere_4: {
    maxTexts: 96,
    inputs: ALL,
    options: BOTH_OPTIONS,
    body: (inputs, { dimensions, inputType, truncate }) => ({
      ...(inputs.every(({ image }) => image === undefined)
        ? { texts: inputs.map(textOf) }
        : { inputs: inputs.map(cohereContent) }),
      input_type: inputType,
      embedding_types: ["float"],
      ...given({ output_dimension: dimensions, truncate: truncate && COHERE_4_TRUNCATIONS[truncate] }),
    }),
    vectors: cohereVectors,
  },
  // https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html
  nova: {
    maxTexts: 1,
    inputs: TEXT_OR_IMAGE,
    options: BOTH_OPTIONS,
    body: ([input], { dimensions, inputType, truncate = "none" }) => ({
      schemaVersion: "nova-multimodal-embed-v1",
      taskType: "SINGLE_EMBEDDING",
      singleEmbeddingParams: {
        embeddingPurpose: NOVA_PURPOSES[inputType],
        ...given({ embeddingDimension: dimensions }),
        ...(input?.image === undefined
          ? { text: { truncationMode: truncate.toUpperCase(), value: textOf(input) } }
          : { image: { format: input.image.format, source: { bytes: input.image.base64 } } }),
      },
    }),
    vectors: (answer) => vectorsIn(member(answer, "embeddings")),
  },
  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-marengo.html
  marengo_2: {
    maxTexts: 1,
    inputs: TEXT_OR_IMAGE,
    options: TRUNCATE,
    body: ([input], { truncate }) =>
      input?.image === undefined
        ? {
          inputType: "text",
          inputText: textOf(input),
          ...given({ textTruncate: truncate && MARENGO_TRUNCATIONS[truncate] }),
        }
        : { inputType: "image", mediaSource: { base64String: input.image.base64 } },
    vectors: (answer) => vectorsIn(member(answer, "data")),
  },
  // https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-marengo-3.html
  marengo_3: {
    maxTexts: 1,
    inputs: ALL,
    options: NO_OPTIONS,
    body([input]) {
      const mediaSource = input?.image && { base64String: input.image.base64 };
      if (mediaSource === undefined) return { inputType: "text", text: { inputText: textOf(input) } };
      return input?.text === undefined
        ? { inputType: "image", image: { mediaSource } }
        : { inputType: "text_image", text_image: { inputText: input.text, mediaSource } };
    },
    vectors: (answer) => vectorsIn(member(answer, "data")),
  },
} as const satisfies Record<Exclude<EmbeddingApi, "none">, ApiRow>;

/** The row of a form. */
export function apiRow(api: Exclude<EmbeddingApi, "none">): ApiRow {
  return ROWS[api];
}

/** The kind of an input, which a model may not accept. */
export function kindOf({ text, image }: { readonly text?: unknown; readonly image?: unknown }): InputKind {
  if (image === undefined) return "text";
  return text === undefined ? "image" : "both";
}

const COHERE_4_TRUNCATIONS = { none: "NONE", start: "LEFT", end: "RIGHT" } as const;
/** It cuts at the end or not at all. */
const MARENGO_TRUNCATIONS = { none: "none", start: "none", end: "end" } as const;
const NOVA_PURPOSES = {
  search_document: "GENERIC_INDEX",
  search_query: "GENERIC_RETRIEVAL",
  classification: "CLASSIFICATION",
  clustering: "CLUSTERING",
} as const satisfies Record<EmbeddingInputType, string>;

function textOf(input: Input | undefined): string {
  return input?.text ?? "";
}

function dataUrl({ format, base64 }: { readonly format: ImageFormat; readonly base64: string }): string {
  return `data:image/${format};base64,${base64}`;
}

function cohereContent({ text, image }: Input): JsonObject {
  return {
    content: [
      ...(text === undefined ? [] : [{ type: "text", text }]),
      ...(image === undefined ? [] : [{ type: "image_url", image_url: { url: dataUrl(image) } }]),
    ],
  };
}

function onlyVector(answer: JsonValue): readonly JsonValue[] | undefined {
  const embedding = member(answer, "embedding");
  return embedding === undefined ? undefined : [embedding];
}

/** A list of vectors, or lists by type. */
function cohereVectors(answer: JsonValue): readonly JsonValue[] | undefined {
  const embeddings = member(answer, "embeddings");
  const floats = isJsonObject(embeddings) ? embeddings["float"] : embeddings;
  return Array.isArray(floats) ? floats : undefined;
}

/** The vectors of objects with a member `embedding`. */
function vectorsIn(list: JsonValue | undefined): readonly JsonValue[] | undefined {
  if (!Array.isArray(list)) return undefined;
  return list.map((each: JsonValue) => member(each, "embedding") ?? null);
}

/** The members that have a value. */
function given(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const found: [string, JsonValue][] = [];
  for (const [name, value] of Object.entries(members)) if (value !== undefined) found.push([name, value]);
  return Object.fromEntries(found);
}

/** A vector's numbers. Throws `upstream_protocol` if it has none, or a member of another type. */
export function readVector(value: JsonValue): readonly number[] {
  if (!Array.isArray(value) || value.length === 0) throw upstreamProtocol("an embedding is missing");
  return value.map((each: JsonValue) => {
    if (typeof each !== "number") {
      throw upstreamProtocol("an embedding contains something other than a number");
    }
    return each;
  });
}
