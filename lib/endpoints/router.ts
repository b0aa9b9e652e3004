/** From a request's method and raw path to the endpoint that answers it. */

import { AditError } from "../base/errors.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { ChatRoute } from "./chat/chat.ts";
import type { Dialect } from "../gateway/dialect.ts";
import { matchNative, nativeAddress, type NativeMatch } from "./native/routes.ts";

export type Match =
  | { readonly endpoint: "health" }
  | { readonly endpoint: "models"; readonly name: string | undefined }
  | { readonly endpoint: "chat" } & ChatRoute
  | { readonly endpoint: "messages" }
  | { readonly endpoint: "countTokens" }
  | NativeMatch;

interface FixedRoute {
  readonly method: "GET" | "POST";
  readonly match: Match;
}

/** By path. `HEAD` is taken wherever `GET` is. */
export const FIXED: ReadonlyMap<string, FixedRoute> = new Map<string, FixedRoute>([
  ["/", { method: "GET", match: { endpoint: "health" } }],
  ["/healthz", { method: "GET", match: { endpoint: "health" } }],
  ["/v1/chat/completions", { method: "POST", match: chat({}) }],
  // The second spelling is that of clients whose base URL ends in /anthropic, beside other providers' routes.
  ...["/v1", "/anthropic/v1"].flatMap((base): [string, FixedRoute][] => [
    [`${base}/models`, { method: "GET", match: { endpoint: "models", name: undefined } }],
    [`${base}/messages`, { method: "POST", match: { endpoint: "messages" } }],
    [`${base}/messages/count_tokens`, { method: "POST", match: { endpoint: "countTokens" } }],
  ]),
]);

/** Cloudflare's addresses for Chat Completions, with or without account and gateway. */
const COMPAT = /^(?:\/v1\/[^/]+\/[^/]+)?\/compat\/chat\/completions$/;

const MODEL = /^(?:\/anthropic)?\/v1\/models\/(.+)$/;

/** The path of a request target as it came, without its query, doubled slashes and trailing slash. */
export function routePath(target: string): string {
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  // Nearly every path needs nothing done to it.
  if (!path.includes("//") && !(path.length > 1 && path.endsWith("/"))) return path;
  return path.replace(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
}

/** The query of a request target. */
export function queryOf(target: string): URLSearchParams {
  return new URLSearchParams(/\?([^#]*)/.exec(target)?.[1]);
}

/** The dialect in which a request is answered, also when there is nothing at its path. */
export function dialectOf(path: string, headers: Headers): Dialect {
  if (nativeAddress(path) !== undefined) return "bedrock";
  if (path.startsWith("/v1/messages") || path.startsWith("/anthropic/")) return "anthropic";
  // Both kinds of clients list models at one path; Anthropic's tell the version of their API.
  if (path.startsWith("/v1/models") && headers.has("anthropic-version")) return "anthropic";
  return "openai";
}

/** The endpoint for a path. Throws `route_not_found` or `method_not_allowed`. */
export function route(method: string, path: string, snapshot: Snapshot): Match {
  const fixed = FIXED.get(path);
  if (fixed !== undefined) return expectMethod(fixed.method, method, fixed.match);
  const configured = snapshot.routes.get(path);
  if (configured !== undefined) {
    return expectMethod("POST", method, chat({ defaultModel: configured.model.name }));
  }
  if (COMPAT.test(path)) return expectMethod("POST", method, chat({ modelPrefix: "aws-bedrock/" }));
  const address = nativeAddress(path);
  if (address !== undefined) return matchNative(method, address);
  const model = MODEL.exec(path);
  if (model !== null) {
    return expectMethod("GET", method, { endpoint: "models", name: decodeId(model[1] ?? "") });
  }
  throw new AditError("route_not_found", `there is no route ${method} ${path.slice(0, 200)}`);
}

function chat({ defaultModel, modelPrefix = "" }: Partial<ChatRoute>): Match {
  return { endpoint: "chat", defaultModel, modelPrefix };
}

function expectMethod(expected: FixedRoute["method"], method: string, match: Match): Match {
  if (method === expected || (method === "HEAD" && expected === "GET")) return match;
  throw new AditError("method_not_allowed", `this route takes ${expected}, not ${method}`, {
    allow: expected === "GET" ? "GET, HEAD" : expected,
  });
}

function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AditError("invalid_request", "the model id in the path is not valid percent-encoding");
  }
}
