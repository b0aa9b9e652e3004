/** Fetches the images that a request refers to, if `limits.fetch_images` allows it. */

import { Buffer } from "node:buffer";
import { invalidField } from "../base/errors.ts";
import { ImageError } from "../providers/transport/images.ts";
import type { Call } from "../gateway/call.ts";

/** Converse's limit of images in a request. */
const MAX_IMAGES = 20;

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
