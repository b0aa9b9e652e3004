/** Replaces the image URLs of a Responses request with the images themselves. */

import type { Call } from "../../gateway/call.ts";
import type { ResponsesRequest } from "../../wire/openai/responses.ts";
import type { InputItem } from "../../wire/openai/responses_items.ts";
import type { ImageInput, InputPart } from "../../wire/openai/responses_parts.ts";
import { isRemote, withDataUrls } from "../images.ts";

/** The request with a data URL for each http(s) one; only for a configuration that allows fetching images. */
export async function withFetchedImages(request: ResponsesRequest, call: Call): Promise<ResponsesRequest> {
  const parts = request.items.flatMap(partsOf).filter(isRemoteImage);
  if (parts.length === 0) return request;
  const fetched = await withDataUrls(parts, call);
  return { ...request, items: request.items.map((item) => withParts(item, fetched)) };
}

function partsOf(item: InputItem): readonly InputPart[] {
  return item.type === "user" || item.type === "output" ? item.content : [];
}

function isRemoteImage(part: InputPart): part is ImageInput {
  return part.type === "image" && isRemote(part);
}

function withParts(item: InputItem, fetched: ReadonlyMap<unknown, ImageInput>): InputItem {
  if (item.type !== "user" && item.type !== "output") return item;
  return { ...item, content: item.content.map((part) => fetched.get(part) ?? part) };
}
