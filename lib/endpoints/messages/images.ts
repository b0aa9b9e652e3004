/** Replaces the image URLs of a Messages request with the images: Bedrock accepts no image URLs. */

import { invalidField } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { JsonObject, JsonValue } from "../../base/json.ts";
import { imageFormat, KNOWN_IMAGES } from "../../translate/converse/media/images.ts";
import type { Call } from "../../gateway/call.ts";
import { fetchImages, type RemoteImage } from "../images.ts";

/** The body with a base64 source for each image URL, if the configuration allows fetching images. */
export async function withFetchedSources(body: JsonObject, call: Call): Promise<JsonObject> {
  if (!call.snapshot.limits.fetchImages) return body;
  const images: RemoteImage[] = [];
  mapImages(body, (image) => {
    images.push(image);
    return undefined;
  });
  if (images.length === 0) return body;
  // In the order in which they were found, which is the same the second time.
  const fetched = (await fetchImages(images, call)).values();
  return mapImages(body, ({ path }) => base64Source(fetched.next().value ?? "", path));
}

function base64Source(data: string, path: string): JsonObject {
  const format = imageFormat(data);
  if (format === undefined) throw invalidField(path, KNOWN_IMAGES);
  return { type: "base64", media_type: `image/${format}`, data };
}

/** The replacement of an image's source; undefined leaves it unchanged. */
type Replace = (image: RemoteImage) => JsonObject | undefined;

/** The body with its image URLs replaced, in messages and in the tool results inside them. */
function mapImages(body: JsonObject, replace: Replace): JsonObject {
  return mapList(body, {
    name: "messages",
    path: "messages",
    map: (message, path) => mapContent(message, path, replace),
  });
}

function mapContent(owner: JsonObject, path: string, replace: Replace): JsonObject {
  return mapList(owner, {
    name: "content",
    path: `${path}.content`,
    map: (block, at) =>
      block.type === "tool_result" ? mapContent(block, at, replace) : mapBlock(block, at, replace),
  });
}

function mapBlock(block: JsonObject, path: string, replace: Replace): JsonObject {
  const { type, source } = block;
  if (type !== "image" || !isJsonObject(source)) return block;
  if (source.type !== "url" || typeof source.url !== "string") return block;
  const replaced = replace({ path: `${path}.source.url`, url: source.url });
  return replaced === undefined ? block : { ...block, source: replaced };
}

interface ListOptions {
  readonly name: string;
  readonly path: string;
  readonly map: (item: JsonObject, path: string) => JsonObject;
}

/** The owner with the objects of its list `name` mapped; anything else is validated elsewhere. */
function mapList(owner: JsonObject, { name, path, map }: ListOptions): JsonObject {
  const list: JsonValue | undefined = owner[name];
  if (!Array.isArray(list)) return owner;
  const mapped = list.map((item: JsonValue, index) =>
    isJsonObject(item) ? map(item, `${path}.${index}`) : item
  );
  return { ...owner, [name]: mapped };
}
