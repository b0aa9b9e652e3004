/** Affinity: keeps the requests of one conversation at one target, so that its prompt cache is reused. */

import { sha256Hex } from "../base/hash.ts";
import { isJsonObject, type JsonObject, type JsonValue, member } from "../base/json.ts";

/** The request's data that target selection depends on. */
export interface AffinitySource {
  readonly headers: Headers;
  readonly body: JsonObject;
}

/**
 * The first of the keys that the request has: `header:NAME`, `prompt_cache_key`, `user` (OpenAI's member, or the user
 * id in Anthropic's metadata) or `prefix`, the hash of the part that a prompt cache would contain.
 */
export function affinityKey(by: readonly string[], source: AffinitySource): string | undefined {
  for (const key of by) {
    const value = valueOf(key, source);
    if (value !== undefined) return `${key}=${value}`;
  }
  return undefined;
}

function valueOf(key: string, { headers, body }: AffinitySource): string | undefined {
  if (key.startsWith("header:")) return headers.get(key.slice("header:".length)) ?? undefined;
  switch (key) {
    case "prompt_cache_key":
      return text(body["prompt_cache_key"]);
    case "user":
      return text(body["user"]) ?? text(member(body["metadata"], "user_id"));
    case "prefix":
      return prefixHash(body);
    default:
      return undefined;
  }
}

/** About 1,024 tokens, the shortest prompt that any model caches. */
const MIN_CACHED_CHARS = 3_500;

/** The hash of the system prompt, the tools and the first user message up to its first cache marker. */
function prefixHash(body: JsonObject): string | undefined {
  const list = body["messages"] ?? body["input"];
  const messages = Array.isArray(list) ? list : [];
  const first = messages.findIndex((message) => member(message, "role") === "user");
  const opening = first === -1 ? messages : [...messages.slice(0, first), cutAtMark(messages[first])];
  const prefix = JSON.stringify([body["system"] ?? body["instructions"], body["tools"], opening]);
  return prefix.length < MIN_CACHED_CHARS ? undefined : sha256Hex(prefix);
}

/** Members that mark the end of the part to cache. */
const MARKS = ["cache_control", "prompt_cache_breakpoint"];

function cutAtMark(message: JsonValue | undefined): JsonValue | undefined {
  const content = member(message, "content");
  if (!Array.isArray(content)) return message;
  const marked = content.findIndex((block) => isJsonObject(block) && MARKS.some((mark) => mark in block));
  return marked === -1 ? content : content.slice(0, marked + 1);
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
