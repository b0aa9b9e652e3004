/** Replaces the image URLs of a Responses request with the images themselves. */

import type { Call } from "../../gateway/call.ts";
import type { ResponsesRequest } from "../../wire/openai/responses.ts";
import type { InputItem } from "../../wire/openai/responses_items.ts";
import type { ImageInput, InputPart } from "../../wire/openai/responses_parts.ts";
import { fetchImages } from "../images.ts";

/** The request with a data URL for each http(s) one; only for a configuration that allows fetching images. */
export async function withFetchedImages(request: ResponsesRequest, call: Call): Promise<ResponsesRequest> {
  const parts = request.items.flatMap(partsOf).filter(isRemoteImage);
  if (parts.length === 0) return request;
  const fetched = await fetchImages(parts.map(({ url: { path, value } }) => ({ path, url: value })), call);
  const whole = new Map<InputPart, ImageInput>(parts.map((part, index) => {
    const value = `data:image/*;base64,${fetched[index]}`;
    return [part, { ...part, url: { ...part.url, value } }];
  }));
  const withImages = (content: readonly InputPart[]) => content.map((part) => whole.get(part) ?? part);
  const items = request.items.map((item) =>
    item.type === "user" || item.type === "output" ? { ...item, content: withImages(item.content) } : item
  );
  return { ...request, items };
}

function partsOf(item: InputItem): readonly InputPart[] {
  return item.type === "user" || item.type === "output" ? item.content : [];
}

function isRemoteImage(part: InputPart): part is ImageInput {
  return part.type === "image" && /^https?:/i.test(part.url.value);
}
