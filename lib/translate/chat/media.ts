/** Chat Completions -> Converse: images, documents, audio and video. */

import { invalidField } from "../../base/errors.ts";
import { oneOf, unexpected } from "../../wire/fields.ts";
import type { ContentBlock } from "../../wire/bedrock/converse.ts";
import type {
  AudioPart,
  ContentPart,
  FilePart,
  ImagePart,
  TextPart,
  UrlField,
  VideoPart,
} from "../../wire/openai/message_types.ts";
import { readData, readDataUrl } from "../converse/data_url.ts";
import { DOCUMENT_FORMATS, documentFormat } from "../converse/document_formats.ts";
import { DocumentNames } from "../converse/document_names.ts";
import { imageBlock } from "../converse/images.ts";

type MediaPart = Exclude<ContentPart, TextPart>;
/** The possible blocks for a part that is not text. */
export type ConverseMedia = Extract<
  ContentBlock,
  { image: unknown } | { document: unknown } | { video: unknown } | { audio: unknown }
>;

/** Translates the media of one request; document names are unique within it. */
export class ChatMedia {
  readonly #names = new DocumentNames();

  /** The block for a part; throws `invalid_request` with the path of what cannot be read. */
  block(part: MediaPart): ConverseMedia {
    switch (part.type) {
      case "image_url":
        return imageFromUrl(part);
      case "video_url":
        return videoFromUrl(part);
      case "input_audio":
        return audioBlock(part);
      case "file":
        return this.#file(part);
    }
  }

  #file(part: FilePart): ConverseMedia {
    const path = `${part.path}.file.file_data`;
    const { mediaType, base64 } = readData(part.data, path);
    const [kind, subtype = ""] = mediaType.split("/");
    if (kind === "image") return imageBlock(base64, path);
    const audio = kind === "audio" ? AUDIO_SUBTYPES.get(subtype) : undefined;
    if (audio !== undefined) return { audio: { format: audio, source: { bytes: base64 } } };
    const video = kind === "video" ? VIDEO_SUBTYPES.get(subtype) : undefined;
    if (video !== undefined) return { video: { format: video, source: { bytes: base64 } } };
    const format = documentFormat({ mediaType, filename: part.filename, base64 });
    if (format === undefined) {
      throw invalidField(
        path,
        `expected an image, audio, video or document of a known type: the documents are ${
          oneOf(DOCUMENT_FORMATS)
        }`,
      );
    }
    return { document: { format, name: this.#names.nameFor(part.filename), source: { bytes: base64 } } };
  }
}

function imageFromUrl({ url }: ImagePart): ConverseMedia {
  refuseUrl(url, "image");
  return imageBlock(readDataUrl(url.value, url.path).base64, url.path);
}

/** Throws for a URL that would have to be fetched. */
function refuseUrl({ path, value }: UrlField, kind: "image" | "video"): void {
  if (/^https?:/i.test(value)) {
    throw invalidField(path, `the gateway cannot fetch ${kind}s; send the ${kind} as a data URL`);
  }
}

function videoFromUrl({ url }: VideoPart): ConverseMedia {
  refuseUrl(url, "video");
  const { mediaType, base64 } = readDataUrl(url.value, url.path);
  const format = VIDEO_SUBTYPES.get(mediaType.replace(/^video\//, ""));
  if (format === undefined) {
    throw unexpected(url.path, `a video of type ${oneOf([...VIDEO_SUBTYPES.keys()])}`, mediaType);
  }
  return { video: { format, source: { bytes: base64 } } };
}

function audioBlock(part: AudioPart): ConverseMedia {
  const format = AUDIO_SUBTYPES.get(part.format);
  if (format === undefined) {
    throw unexpected(`${part.path}.input_audio.format`, oneOf([...AUDIO_SUBTYPES.keys()]), part.format);
  }
  const { base64 } = readData(part.data, `${part.path}.input_audio.data`);
  return { audio: { format, source: { bytes: base64 } } };
}

/** By media subtype, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_AudioBlock.html */
const AUDIO_SUBTYPES: ReadonlyMap<string, string> = new Map([
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
const VIDEO_SUBTYPES: ReadonlyMap<string, string> = new Map([
  ["mp4", "mp4"],
  ["quicktime", "mov"],
  ["x-matroska", "mkv"],
  ["webm", "webm"],
  ["x-flv", "flv"],
  ["mpeg", "mpeg"],
  ["x-ms-wmv", "wmv"],
  ["3gpp", "three_gp"],
]);
