/** OpenAI's Embeddings to InvokeModel: the requests that a model needs for all inputs. */

import { AditError, invalidField } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ModelTraits } from "../../facts/traits.ts";
import type { ModelSettings } from "../../snapshot/snapshot.ts";
import type { EmbeddingInput, EmbeddingsRequest } from "../../wire/openai/embeddings.ts";
import { readDataUrl } from "../converse/media/data_url.ts";
import { IgnoredFields } from "../converse/ignored.ts";
import { imageFormat, KNOWN_IMAGES } from "../converse/media/images.ts";
import { invokeHeaders } from "../converse/invoke_headers.ts";
import { apiRow, type Input, kindOf, type Options } from "./apis.ts";

export interface EmbeddingsContext {
  readonly traits: Pick<ModelTraits, "embeddings" | "embeddingDimensions">;
  readonly settings?: ModelSettings;
}

/** The requests for all inputs, in their order. */
export interface EmbeddingsCall {
  readonly api: Exclude<ModelTraits["embeddings"], "none">;
  readonly pieces: readonly EmbeddingsPiece[];
  readonly headers: Readonly<Record<string, string>>;
  readonly ignored: readonly string[];
}

/** A request for some of the inputs. */
export interface EmbeddingsPiece {
  readonly body: JsonObject;
  /** The number of its inputs. */
  readonly count: number;
  /** `input`, `input[3]` or `input[96..191]`, for the error. */
  readonly path: string;
}

/** Throws `invalid_request` for inputs that the model cannot embed, and for a size that its vectors do not have. */
export function embeddingsToInvoke(
  request: EmbeddingsRequest,
  { traits, settings }: EmbeddingsContext,
): EmbeddingsCall {
  const { embeddings: api } = traits;
  if (api === "none") {
    throw new AditError("invalid_request", "this model does not create embeddings; use an embedding model", {
      param: "model",
    });
  }
  const row = apiRow(api);
  const defaults = settings?.defaults ?? {};
  const options: Options = {
    dimensions: dimensionsOf(request.dimensions ?? defaults.dimensions, traits),
    inputType: request.inputType ?? defaults.inputType ?? "search_document",
    truncate: request.truncate,
  };
  const ignored = new IgnoredFields(request.otherFields);
  if (request.inputType !== undefined && !row.options.has("input_type")) ignored.add("input_type");
  if (request.truncate !== undefined && !row.options.has("truncate")) ignored.add("truncate");
  for (const input of request.inputs) {
    if (!row.inputs.has(kindOf(input))) throw invalidField(input.path, UNSUPPORTED[kindOf(input)]);
  }
  const inputs = request.inputs.map(readInput);
  return {
    api,
    pieces: split(inputs, row.maxTexts).map((piece) => ({
      body: row.body(piece, options),
      count: piece.length,
      path: pathOf(piece),
    })),
    headers: invokeHeaders(settings),
    ignored: ignored.list(),
  };
}

const UNSUPPORTED = {
  text: "this model does not embed text",
  image: "this model does not embed images",
  both: "this model does not embed a text and an image together; send them as two inputs",
} as const;

/** Undefined if the model has only one size, for which it has no field. */
function dimensionsOf(
  dimensions: number | undefined,
  { embeddingDimensions: sizes }: EmbeddingsContext["traits"],
): number | undefined {
  if (dimensions === undefined) return undefined;
  if (sizes.length > 0 && !sizes.includes(dimensions)) {
    throw invalidField("dimensions", `this model supports ${sizes.join(", ")}, found ${dimensions}`);
  }
  return sizes.length === 1 ? undefined : dimensions;
}

function readInput({ path, text, image }: EmbeddingInput): Input {
  if (image === undefined) return { path, text, image };
  const data = readDataUrl(image, `${path}.image`);
  const format = imageFormat(data.base64);
  if (format === undefined) throw invalidField(`${path}.image`, KNOWN_IMAGES);
  return { path, text, image: { ...data, format } };
}

/** Neighboring texts together, as many as fit, and each image by itself. */
function split(inputs: readonly Input[], maxTexts: number): readonly (readonly Input[])[] {
  const pieces: Input[][] = [];
  for (const input of inputs) {
    const last = pieces.at(-1);
    const joins = last !== undefined && last.length < maxTexts && input.image === undefined &&
      last[0]?.image === undefined;
    if (joins) last.push(input);
    else pieces.push([input]);
  }
  return pieces;
}

function pathOf(piece: readonly Input[]): string {
  const first = piece[0]?.path ?? "input";
  const last = piece.at(-1)?.path ?? first;
  return first === last ? first : `${first.slice(0, -1)}..${last.slice(last.indexOf("[") + 1)}`;
}
