/** Cross-origin requests from web pages (https://fetch.spec.whatwg.org/#http-cors-protocol); off by default. */

import type { Cors } from "../../snapshot/snapshot.ts";

const RATE_FIGURES = ["limit", "remaining", "reset"];

/**
 * Response headers that pages may read in addition to those that are always readable: all of Adit's own, and those that
 * the SDKs of the three dialects read.
 */
const EXPOSED = [
  ...["cf-aig-model", "cf-aig-provider", "cf-aig-step", "request-id", "retry-after", "retry-after-ms"],
  ...["attempts", "budget", "cost", "error", "ignored", "limit", "model", "target", "tried"]
    .map((name) => `x-adit-${name}`),
  ...["x-amzn-errortype", "x-amzn-requestid", "x-request-id", "x-should-retry"],
  ...["requests", "tokens"].flatMap((unit) => RATE_FIGURES.map((figure) => `x-ratelimit-${figure}-${unit}`)),
  ...["requests", "tokens", "input-tokens", "output-tokens"].flatMap((unit) =>
    RATE_FIGURES.map((figure) => `anthropic-ratelimit-${unit}-${figure}`)
  ),
  ...["input-token-count", "output-token-count", "invocation-latency"].map((name) =>
    `x-amzn-bedrock-${name}`
  ),
].join(", ");

/** How long a browser may cache the answer to a preflight request, in seconds. */
const MAX_AGE_S = "600";

/** Answers preflight requests itself and others by `answer`, and adds the headers that let allowed origins read it. */
export async function answerAcrossOrigins(
  request: Request,
  { origins }: Cors,
  answer: () => Promise<Response>,
): Promise<Response> {
  const origin = request.headers.get("origin") ?? "";
  const isAllowed = origin !== "" && (origins.includes(origin) || origins.includes("*"));
  const response = (isAllowed ? preflight(request) : undefined) ?? await answer();
  const { headers } = response;
  // Also without an origin: a cache may serve this answer to a request with one.
  headers.append("vary", "Origin");
  if (isAllowed) {
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-expose-headers", EXPOSED);
  }
  return response;
}

/** The answer to a preflight request, which has no key; undefined for any other request. */
function preflight({ method, headers }: Request): Response | undefined {
  if (method !== "OPTIONS" || !headers.has("access-control-request-method")) return undefined;
  const response = new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-max-age": MAX_AGE_S,
    },
  });
  const asked = headers.get("access-control-request-headers");
  if (asked !== null && asked.length <= 4096) response.headers.set("access-control-allow-headers", asked);
  return response;
}
