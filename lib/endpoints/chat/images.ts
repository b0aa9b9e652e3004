/** Replaces the image URLs of a Chat request with the images themselves. */

import type { ChatRequest } from "../../wire/openai/chat.ts";
import type { ChatMessage, ContentPart, ImagePart } from "../../wire/openai/message_types.ts";
import type { Call } from "../../gateway/call.ts";
import { fetchImages } from "../images.ts";

/** The request with a data URL for each http(s) one; only for a configuration that allows fetching images. */
export async function withFetchedImages(request: ChatRequest, call: Call): Promise<ChatRequest> {
  const parts = request.messages.flatMap(contentOf).filter(isRemoteImage);
  if (parts.length === 0) return request;
  const fetched = await fetchImages(parts.map(({ url: { path, value } }) => ({ path, url: value })), call);
  const whole = new Map<ContentPart, ImagePart>(parts.map((part, index) => {
    const value = `data:image/*;base64,${fetched[index]}`;
    return [part, { ...part, url: { ...part.url, value } }];
  }));
  return { ...request, messages: request.messages.map((message) => withParts(message, whole)) };
}

function contentOf(message: ChatMessage): readonly ContentPart[] {
  return message.content;
}

function isRemoteImage(part: ContentPart): part is ImagePart {
  return part.type === "image_url" && /^https?:/i.test(part.url.value);
}

function withParts(message: ChatMessage, fetched: ReadonlyMap<ContentPart, ImagePart>): ChatMessage {
  if (message.role !== "user" && message.role !== "tool") return message;
  return { ...message, content: message.content.map((part) => fetched.get(part) ?? part) };
}
