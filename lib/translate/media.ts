/** Images, documents, audio and video: the parts of a Chat message as blocks of Converse. */

import { Buffer } from "node:buffer";
import { invalidField } from "../base/errors.ts";
import { oneOf, unexpected } from "../wire/fields.ts";
import type { ContentBlock, ImageFormat } from "../wire/converse.ts";
import type {
  AudioPart,
  ContentPart,
  FilePart,
  ImagePart,
  TextPart,
  UrlField,
  VideoPart,
} from "../wire/openai_chat_messages.ts";
import { DocumentNames } from "./document_names.ts";

type MediaPart = Exclude<ContentPart, TextPart>;
/** The blocks that a part which is not text becomes. */
export type ConverseMedia = Extract<
  ContentBlock,
  { image: unknown } | { document: unknown } | { video: unknown } | { audio: unknown }
>;

/** Translates the media of one request; it keeps the names of documents apart. */
export class MediaTranslator {
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
    const { mediaType, base64 } = part.data.startsWith("data:")
      ? readDataUrl({ path, value: part.data })
      : { mediaType: "", base64: readBase64(part.data, path) };
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
          oneOf([...new Set(DOCUMENT_EXTENSIONS.values())])
        }`,
      );
    }
    return { document: { format, name: this.#names.nameFor(part.filename), source: { bytes: base64 } } };
  }
}

function imageFromUrl(part: ImagePart): ConverseMedia {
  if (/^https?:/i.test(part.url.value)) {
    throw invalidField(
      part.url.path,
      "the gateway does not fetch images: send the image itself as a data URL",
    );
  }
  return imageBlock(readDataUrl(part.url).base64, part.url.path);
}

/** The format is read off the bytes: declared types are wrong too often, and Bedrock refuses an image over it. */
function imageBlock(base64: string, path: string): ConverseMedia {
  const format = imageFormat(base64);
  if (format === undefined) throw invalidField(path, KNOWN_IMAGES);
  return { image: { format, source: { bytes: base64 } } };
}

/** What to say of an image whose format nobody knows. */
export const KNOWN_IMAGES = "expected a PNG, JPEG, GIF or WebP image";

/** The format that an image's first bytes tell; undefined for one that Bedrock does not take. */
export function imageFormat(base64: string): ImageFormat | undefined {
  const head = Buffer.from(base64.slice(0, 24), "base64").toString("latin1");
  return IMAGE_SIGNATURES.find(([signature]) => signature.test(head))?.[1];
}

const IMAGE_SIGNATURES: readonly (readonly [RegExp, ImageFormat])[] = [
  [/^\x89PNG/, "png"],
  [/^\xff\xd8\xff/, "jpeg"],
  [/^GIF8/, "gif"],
  [/^RIFF[^]{4}WEBP/, "webp"],
];

function videoFromUrl(part: VideoPart): ConverseMedia {
  if (/^https?:/i.test(part.url.value)) {
    throw invalidField(
      part.url.path,
      "the gateway does not fetch videos: send the video itself as a data URL",
    );
  }
  const { mediaType, base64 } = readDataUrl(part.url);
  const format = VIDEO_SUBTYPES.get(mediaType.replace(/^video\//, ""));
  if (format === undefined) {
    throw unexpected(part.url.path, `a video of type ${oneOf([...VIDEO_SUBTYPES.keys()])}`, mediaType);
  }
  return { video: { format, source: { bytes: base64 } } };
}

function audioBlock(part: AudioPart): ConverseMedia {
  const format = AUDIO_SUBTYPES.get(part.format);
  if (format === undefined) {
    throw unexpected(`${part.path}.input_audio.format`, oneOf([...AUDIO_SUBTYPES.keys()]), part.format);
  }
  const path = `${part.path}.input_audio.data`;
  const base64 = part.data.startsWith("data:")
    ? readDataUrl({ path, value: part.data }).base64
    : readBase64(part.data, path);
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

interface DocumentClues {
  readonly mediaType: string;
  readonly filename: string | undefined;
  readonly base64: string;
}

/** The format by media type, or where that says little by the file's extension; plain text is better than nothing. */
function documentFormat({ mediaType, filename, base64 }: DocumentClues): string | undefined {
  const extension = /\.(\w+)$/.exec(filename ?? "")?.[1]?.toLowerCase() ?? "";
  if (base64.startsWith("JVBERi0")) return "pdf";
  return DOCUMENT_TYPES.get(mediaType) ?? DOCUMENT_EXTENSIONS.get(extension) ??
    (mediaType.startsWith("text/") || mediaType === "application/json" ? "txt" : undefined);
}

const DOCUMENT_TYPES: ReadonlyMap<string, string> = new Map([
  ["application/pdf", "pdf"],
  ["text/csv", "csv"],
  ["application/msword", "doc"],
  ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"],
  ["application/vnd.ms-excel", "xls"],
  ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"],
  ["text/html", "html"],
  ["text/markdown", "md"],
]);

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html */
const DOCUMENT_EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["pdf", "pdf"],
  ["csv", "csv"],
  ["doc", "doc"],
  ["docx", "docx"],
  ["xls", "xls"],
  ["xlsx", "xlsx"],
  ["html", "html"],
  ["htm", "html"],
  ["txt", "txt"],
  ["md", "md"],
]);

/** Media type and data of a `data:` URL (RFC 2397); throws `invalid_request` for any other URL. */
function readDataUrl({ path, value }: UrlField): { readonly mediaType: string; readonly base64: string } {
  const comma = value.indexOf(",");
  // The head is cut off first, so that no pattern runs over the data.
  const head = /^data:([^;,]*)((?:;[^;,]*)*)$/i.exec(value.slice(0, Math.max(0, Math.min(comma, 256))));
  if (head === null) throw invalidField(path, 'expected a data URL such as "data:image/png;base64,…"');
  const [, mediaType = "", parameters = ""] = head;
  const data = value.slice(comma + 1);
  const base64 = /;base64$/i.test(parameters)
    ? readBase64(data, path)
    : Buffer.from(decodePercent(data, path)).toString("base64");
  if (base64 === "") throw invalidField(path, "expected data, found an empty data URL");
  return { mediaType: mediaType.trim().toLowerCase(), base64 };
}

/** The data as the base64 that AWS reads: with padding, without white space, not in the alphabet for URLs. */
function readBase64(data: string, path: string): string {
  const base64 = isBase64(data) ? data : toStandardAlphabet(decodePercent(data, path));
  if (!isBase64(base64)) throw invalidField(path, "expected base64 data");
  const digits = withoutPadding(base64);
  const padded = digits.length + (4 - digits.length % 4) % 4;
  return padded === base64.length ? base64 : digits.padEnd(padded, "=");
}

function toStandardAlphabet(base64: string): string {
  return base64.replaceAll(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/");
}

/** Searches for what does not belong, since matching many megabytes can overflow a regular expression's stack. */
function isBase64(text: string): boolean {
  const digits = withoutPadding(text);
  return digits !== "" && digits.length % 4 !== 1 && !/[^A-Za-z0-9+/]/.test(digits);
}

function withoutPadding(base64: string): string {
  if (base64.endsWith("==")) return base64.slice(0, -2);
  return base64.endsWith("=") ? base64.slice(0, -1) : base64;
}

function decodePercent(data: string, path: string): string {
  try {
    return data.includes("%") ? decodeURIComponent(data) : data;
  } catch {
    throw invalidField(path, "expected percent-encoded data");
  }
}
