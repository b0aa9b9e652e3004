/** Chat Completions -> Converse: images, documents, audio and video. */

import { oneOf, unexpected } from "../../wire/fields.ts";
import type {
  AudioPart,
  ContentPart,
  ImagePart,
  TextPart,
  VideoPart,
} from "../../wire/openai/message_types.ts";
import { readData, readDataUrl } from "../converse/media/data_url.ts";
import {
  AUDIO_SUBTYPES,
  type ConverseMedia,
  Files,
  refuseUrl,
  VIDEO_SUBTYPES,
} from "../converse/media/files.ts";
import { imageBlock } from "../converse/media/images.ts";

type MediaPart = Exclude<ContentPart, TextPart>;

/** Translates the media of one request; document names are unique within it. */
export class ChatMedia {
  readonly #files = new Files();

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
        return this.#files.block({ ...part, path: `${part.path}.file.file_data` });
    }
  }
}

function imageFromUrl({ url }: ImagePart): ConverseMedia {
  refuseUrl(url, "image");
  return imageBlock(readDataUrl(url.value, url.path).base64, url.path);
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
