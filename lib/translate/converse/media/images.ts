/** Images of any dialect as Converse blocks. */

import { Buffer } from "node:buffer";
import { invalidField } from "../../../base/errors.ts";
import type { ImageBlock, ImageFormat } from "../../../wire/bedrock/converse.ts";

/**
 * The block for an image; throws `invalid_request` with `path` for a format that Bedrock does not support. The format
 * is detected from the bytes: declared types are often wrong, and Bedrock refuses an image for it.
 */
export function imageBlock(base64: string, path: string): { readonly image: ImageBlock } {
  const format = imageFormat(base64);
  if (format === undefined) throw invalidField(path, KNOWN_IMAGES);
  return { image: { format, source: { bytes: base64 } } };
}

/** The message for an image of unknown format. */
export const KNOWN_IMAGES = "expected a PNG, JPEG, GIF or WebP image";

/** The format of an image by its first bytes; undefined if Bedrock does not support it. */
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
