/** Fetches the images that a request refers to, if `limits.fetch_images` allows it. */

import { Buffer } from "node:buffer";
import { invalidField } from "../base/errors.ts";
import { ImageError } from "../providers/transport/images.ts";
import type { Call } from "../gateway/call.ts";
import type { UrlField } from "../wire/openai/message_types.ts";

/** Converse's limit of images in a request. */
const MAX_IMAGES = 20;

/** A part of a request with an image's URL. */
interface ImagePart {
  readonly url: UrlField;
}

/** Whether the image has to be fetched. */
export function isRemote({ url }: ImagePart): boolean {
  return /^https?:/i.test(url.value);
}

/** By each part, the same part with the fetched image as a data URL. */
export async function withDataUrls<Part extends ImagePart>(
  parts: readonly Part[],
  call: Call,
): Promise<ReadonlyMap<unknown, Part>> {
  const fetched = await fetchImages(parts.map(({ url: { path, value } }) => ({ path, url: value })), call);
  return new Map(parts.map((part, index) => {
    const value = `data:image/*;base64,${fetched[index]}`;
    return [part, { ...part, url: { ...part.url, value } }];
  }));
}

/** An image given by URL. */
export interface RemoteImage {
  /** Path of the request field, for errors. */
  readonly path: string;
  readonly url: string;
}

/**
 * The images in base64, in order, fetched concurrently; the first failure cancels the others. Throws
 * `invalid_request` with the path of the failed image.
 */
export async function fetchImages(images: readonly RemoteImage[], call: Call): Promise<readonly string[]> {
  const excess = images[MAX_IMAGES];
  if (excess !== undefined) {
    throw invalidField(excess.path, `a request may refer to at most ${MAX_IMAGES} images`);
  }
  const budget = { left: call.snapshot.limits.bodyBytes };
  const others = new AbortController();
  const bounds = { budget, signal: AbortSignal.any([call.ended, others.signal]) };
  try {
    return await Promise.all(images.map(async ({ path, url }) => {
      const bytes = await call.tools.upstream.fetchImage(url, bounds).catch((error: unknown) => {
        throw error instanceof ImageError ? invalidField(path, error.message) : error;
      });
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
    }));
  } catch (error) {
    others.abort(error);
    throw error;
  }
}
