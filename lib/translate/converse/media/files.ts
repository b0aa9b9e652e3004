/** Files of the OpenAI dialects as Converse blocks: images, documents, audio and video. */

import { invalidField } from "../../../base/errors.ts";
import type { ContentBlock } from "../../../wire/bedrock/converse.ts";
import { oneOf } from "../../../wire/fields.ts";
import { readData } from "./data_url.ts";
import { DOCUMENT_FORMATS, documentFormat } from "./document_formats.ts";
import { DocumentNames } from "./document_names.ts";
import { imageBlock } from "./images.ts";

/** The possible blocks for content that is not text. */
export type ConverseMedia = Extract<
  ContentBlock,
  { image: unknown } | { document: unknown } | { video: unknown } | { audio: unknown }
>;

export interface ReceivedFile {
  /** Path of the data, for errors. */
  readonly path: string;
  /** A data URL, or plain base64. */
  readonly data: string;
  readonly filename: string | undefined;
}

/** Translates the files of one request; document names are unique within it. */
export class Files {
  readonly #names = new DocumentNames();

  /** The block for a file; throws `invalid_request` with the path of what cannot be read. */
  block({ path, data, filename }: ReceivedFile): ConverseMedia {
    const { mediaType, base64 } = readData(data, path);
    const [kind, subtype = ""] = mediaType.split("/");
    if (kind === "image") return imageBlock(base64, path);
    const audio = kind === "audio" ? AUDIO_SUBTYPES.get(subtype) : undefined;
    if (audio !== undefined) return { audio: { format: audio, source: { bytes: base64 } } };
    const video = kind === "video" ? VIDEO_SUBTYPES.get(subtype) : undefined;
    if (video !== undefined) return { video: { format: video, source: { bytes: base64 } } };
    const format = documentFormat({ mediaType, filename, base64 });
    if (format === undefined) {
      throw invalidField(
        path,
        `expected an image, audio, video or document of a known type: the documents are ${
          oneOf(DOCUMENT_FORMATS)
        }`,
      );
    }
    return { document: { format, name: this.#names.nameFor(filename), source: { bytes: base64 } } };
  }
}

/** Throws for a URL that would have to be fetched. */
export function refuseUrl(
  { path, value }: { readonly path: string; readonly value: string },
  kind: "image" | "video",
): void {
  if (/^https?:/i.test(value)) {
    throw invalidField(path, `the gateway cannot fetch ${kind}s; send the ${kind} as a data URL`);
  }
}

/** By media subtype, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_AudioBlock.html */
export const AUDIO_SUBTYPES: ReadonlyMap<string, string> = new Map([
  ["mp3", "mp3"],
  ["mpeg", "mp3"],
  ["wav", "wav"],
  ["x-wav", "wav"],
  ["wave", "wav"],
  ["flac", "flac"],
  ["x-flac", "flac"],
  ["ogg", "ogg"],
  ["opus", "opus"],
  ["aac", "aac"],
  ["m4a", "m4a"],
  ["x-m4a", "m4a"],
  ["mp4", "mp4"],
  ["webm", "webm"],
  ["mka", "mka"],
  ["mkv", "mkv"],
  ["x-matroska", "mka"],
  ["pcm", "pcm"],
]);

/** By media subtype, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_VideoBlock.html */
export const VIDEO_SUBTYPES: ReadonlyMap<string, string> = new Map([
  ["mp4", "mp4"],
  ["quicktime", "mov"],
  ["x-matroska", "mkv"],
  ["webm", "webm"],
  ["x-flv", "flv"],
  ["mpeg", "mpeg"],
  ["x-ms-wmv", "wmv"],
  ["3gpp", "three_gp"],
]);
