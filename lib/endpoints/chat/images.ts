/** Replaces the image URLs of a Chat request with the images themselves. */

import type { ChatRequest } from "../../wire/openai/chat.ts";
import type { ChatMessage, ContentPart, ImagePart } from "../../wire/openai/message_types.ts";
import type { Call } from "../../gateway/call.ts";
import { isRemote, withDataUrls } from "../images.ts";

/** The request with a data URL for each http(s) one; only for a configuration that allows fetching images. */
export async function withFetchedImages(request: ChatRequest, call: Call): Promise<ChatRequest> {
  const parts = request.messages.flatMap(contentOf).filter(isRemoteImage);
  if (parts.length === 0) return request;
  const fetched = await withDataUrls(parts, call);
  return { ...request, messages: request.messages.map((message) => withParts(message, fetched)) };
}

function contentOf(message: ChatMessage): readonly ContentPart[] {
  return message.content;
}

function isRemoteImage(part: ContentPart): part is ImagePart {
  return part.type === "image_url" && isRemote(part);
}

function withParts(message: ChatMessage, fetched: ReadonlyMap<unknown, ImagePart>): ChatMessage {
  if (message.role !== "user" && message.role !== "tool") return message;
  return { ...message, content: message.content.map((part) => fetched.get(part) ?? part) };
}
