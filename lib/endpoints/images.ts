/** Fetches the images that a request points at, where `limits.fetch_images` allows it. */

import { Buffer } from "node:buffer";
import { invalidField } from "../base/errors.ts";
import { ImageError } from "../providers/transport/images.ts";
import type { Call } from "../gateway/call.ts";

/** As many images as Converse takes in one request. */
const MAX_IMAGES = 20;

/** An image that somebody else keeps. */
export interface RemoteImage {
  /** Where in the request it is named, for errors. */
  readonly path: string;
  readonly url: string;
}

/**
 * The images' bytes in base64, in their order, fetched all at once; the first that fails ends the others. Throws
 * `invalid_request` with the path of a bad one.
 */
export async function fetchImages(images: readonly RemoteImage[], call: Call): Promise<readonly string[]> {
  const excess = images[MAX_IMAGES];
  if (excess !== undefined) {
    throw invalidField(excess.path, `expected at most ${MAX_IMAGES} images to fetch, found another`);
  }
  const budget = { left: call.snapshot.limits.bodyBytes };
  const others = new AbortController();
  const bounds = { budget, signal: AbortSignal.any([call.ended, others.signal]) };
  try {
    return await Promise.all(images.map(async ({ path, url }) => {
      const bytes = await call.options.upstream.fetchImage(url, bounds).catch((error: unknown) => {
        throw error instanceof ImageError ? invalidField(path, error.message) : error;
      });
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
    }));
  } catch (error) {
    others.abort(error);
    throw error;
  }
}
