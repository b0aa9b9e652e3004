/** Puts the images that a Chat request points at into the request itself, where `limits.fetch_images` allows it. */

import { Buffer } from "node:buffer";
import { invalidField } from "../base/errors.ts";
import { ImageError } from "../upstream/images.ts";
import type { ChatRequest } from "../wire/openai_chat.ts";
import type { ChatMessage, ContentPart, ImagePart } from "../wire/openai_chat_messages.ts";
import type { Call } from "./call.ts";

/** As many images as Converse takes in one request. */
const MAX_IMAGES = 20;

/** The request with a data URL in place of each http(s) one. Throws `invalid_request` with the path of a bad one. */
export async function withFetchedImages(request: ChatRequest, call: Call): Promise<ChatRequest> {
  const { limits } = call.snapshot;
  const parts = limits.fetchImages ? request.messages.flatMap(contentOf).filter(isRemoteImage) : [];
  if (parts.length === 0) return request;
  const excess = parts[MAX_IMAGES];
  if (excess !== undefined) {
    throw invalidField(excess.url.path, `expected at most ${MAX_IMAGES} images to fetch, found another`);
  }
  const fetched = await fetchAll(parts, call);
  return { ...request, messages: request.messages.map((message) => withParts(message, fetched)) };
}

function contentOf(message: ChatMessage): readonly ContentPart[] {
  return message.content;
}

function isRemoteImage(part: ContentPart): part is ImagePart {
  return part.type === "image_url" && /^https?:/i.test(part.url.value);
}

/** All at once; the first that fails ends the others. */
async function fetchAll(
  parts: readonly ImagePart[],
  call: Call,
): Promise<ReadonlyMap<ContentPart, ImagePart>> {
  const budget = { left: call.snapshot.limits.bodyBytes };
  const others = new AbortController();
  const bounds = { budget, signal: AbortSignal.any([call.ended, others.signal]) };
  try {
    const fetched = await Promise.all(parts.map(async (part): Promise<[ContentPart, ImagePart]> => {
      const { path, value } = part.url;
      const bytes = await call.options.upstream.fetchImage(value, bounds).catch((error: unknown) => {
        throw error instanceof ImageError ? invalidField(path, error.message) : error;
      });
      const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
      return [part, { ...part, url: { path, value: `data:image/*;base64,${base64}` } }];
    }));
    return new Map(fetched);
  } catch (error) {
    others.abort(error);
    throw error;
  }
}

function withParts(message: ChatMessage, fetched: ReadonlyMap<ContentPart, ImagePart>): ChatMessage {
  if (message.role !== "user" && message.role !== "tool") return message;
  return { ...message, content: message.content.map((part) => fetched.get(part) ?? part) };
}
