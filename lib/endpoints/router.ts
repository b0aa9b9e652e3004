/** Routes a request by method and raw path to its endpoint. */

import { AditError } from "../base/errors.ts";
import type { Dialect } from "../gateway/dialect.ts";
import type { Endpoint, Router } from "../gateway/endpoint.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { refuseAbsent } from "./absent.ts";
import { catalogEndpoint } from "./catalog.ts";
import { chatEndpoint } from "./chat/chat.ts";
import { embed, embeddings } from "./embeddings/embeddings.ts";
import { health } from "./health.ts";
import { countTokens } from "./messages/count_tokens.ts";
import { messages } from "./messages/messages.ts";
import { modelsEndpoint } from "./models.ts";
import { nativeEndpoint } from "./native/native.ts";
import { rerank } from "./rerank/rerank.ts";
import { matchNative, nativeAddress } from "./native/routes.ts";
import { ownBudget } from "./own_budget.ts";
import { ownUsage } from "./own_usage.ts";
import { inputTokens } from "./responses/input_tokens.ts";
import { responses } from "./responses/responses.ts";
import { responsesSocket, storedResponse } from "./responses/stored.ts";

interface FixedRoute {
  readonly method: "GET" | "POST";
  readonly endpoint: Endpoint;
}

/** By path. `HEAD` is accepted wherever `GET` is. */
export const FIXED: ReadonlyMap<string, FixedRoute> = new Map<string, FixedRoute>([
  ["/", { method: "GET", endpoint: health }],
  ["/healthz", { method: "GET", endpoint: health }],
  // The second spelling is that of Bedrock's own endpoints, for clients with a built-in provider for them.
  ...["/v1", "/openai/v1"].flatMap((base): [string, FixedRoute][] => [
    [`${base}/chat/completions`, { method: "POST", endpoint: chatEndpoint({}) }],
    [`${base}/responses`, { method: "POST", endpoint: responses }],
    [`${base}/responses/input_tokens`, { method: "POST", endpoint: inputTokens }],
    [`${base}/embeddings`, { method: "POST", endpoint: embeddings }],
  ]),
  ["/openai/v1/models", { method: "GET", endpoint: modelsEndpoint() }],
  ["/v1/budget", { method: "GET", endpoint: ownBudget }],
  ["/v1/usage", { method: "GET", endpoint: ownUsage }],
  ["/v2/embed", { method: "POST", endpoint: embed }],
  ...["/v1/rerank", "/v2/rerank", "/rerank"].map((path): [string, FixedRoute] => [
    path,
    { method: "POST", endpoint: rerank },
  ]),
  // The second spelling is for clients whose base URL ends in /anthropic.
  ...["/v1", "/anthropic/v1"].flatMap((base): [string, FixedRoute][] => [
    [`${base}/models`, { method: "GET", endpoint: modelsEndpoint() }],
    [`${base}/messages`, { method: "POST", endpoint: messages }],
    [`${base}/messages/count_tokens`, { method: "POST", endpoint: countTokens }],
  ]),
]);

/** Cloudflare's addresses for Chat Completions, with or without account and gateway. */
const COMPAT = /^(?:\/v1\/[^/]+\/[^/]+)?\/compat\/chat\/completions$/;

/** Where OpenAI's clients open a WebSocket. */
const SOCKET = /^(?:\/openai)?\/v1\/responses$/;

/** Where OpenAI keeps responses. */
const STORED = /^(?:\/openai)?\/v1\/responses\/./;

const MODEL = /^(?:\/anthropic|\/openai)?\/v1\/models\/(.+)$/;

/** The dialect of a request's response, also for unknown paths. */
function dialectOf(path: string, headers: Headers): Dialect {
  if (nativeAddress(path) !== undefined) return "bedrock";
  if (path.startsWith("/v1/messages") || path.startsWith("/anthropic/")) return "anthropic";
  // Both kinds of clients list models at one path; Anthropic's send the version of their API.
  if (path.startsWith("/v1/models") && headers.has("anthropic-version")) return "anthropic";
  return "openai";
}

function route(method: string, path: string, snapshot: Snapshot): Endpoint {
  // The configuration decides which of the gateway's own paths a route may take.
  const configured = snapshot.routes.get(path);
  if (configured !== undefined) {
    return expectMethod("POST", method, chatEndpoint({ defaultModel: configured.model.name }));
  }
  if (method === "GET" && SOCKET.test(path)) return responsesSocket;
  const fixed = FIXED.get(path);
  if (fixed !== undefined) return expectMethod(fixed.method, method, fixed.endpoint);
  if (COMPAT.test(path)) return expectMethod("POST", method, chatEndpoint({ modelPrefix: "aws-bedrock/" }));
  const address = nativeAddress(path);
  if (address !== undefined) {
    const match = matchNative(method, address);
    return match.endpoint === "native" ? nativeEndpoint(match) : catalogEndpoint(match.list);
  }
  if (STORED.test(path)) return storedResponse;
  const model = MODEL.exec(path);
  if (model !== null) return expectMethod("GET", method, modelsEndpoint(decodeId(model[1] ?? "")));
  refuseAbsent(path);
  const meant = similarRoute(path);
  throw new AditError(
    "route_not_found",
    `route not found: ${method} ${path.slice(0, 200)}${meant === undefined ? "" : `; use ${meant}`}`,
  );
}

/** The route that a client with a wrong base URL probably means: its path has too few or too many segments. */
function similarRoute(path: string): string | undefined {
  if (path === "/v1") return undefined;
  if (/(?:^|\/)completions$/.test(path)) return "/v1/chat/completions";
  return [...FIXED.keys()].find((known) =>
    known.length > 1 && (known.endsWith(path) || path.endsWith(known))
  );
}

/** Everything that the gateway serves. */
export const router: Router = { route, dialectOf };

function expectMethod(expected: FixedRoute["method"], method: string, endpoint: Endpoint): Endpoint {
  if (method === expected || (method === "HEAD" && expected === "GET")) return endpoint;
  throw new AditError(
    "method_not_allowed",
    `method ${method} is not allowed on this route; use ${expected}`,
    {
      allow: expected === "GET" ? "GET, HEAD" : expected,
    },
  );
}

function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AditError("invalid_request", "invalid percent-encoding of the model id in the path");
  }
}
