/** Cross-origin requests by web pages (https://fetch.spec.whatwg.org/#http-cors-protocol), which are off by default. */

import type { Cors } from "../snapshot/snapshot.ts";

/** Headers of answers that pages may read besides the few that are always readable. */
const EXPOSED = [
  ...["request-id", "retry-after", "x-adit-error", "x-adit-ignored", "x-adit-target", "x-amzn-errortype"],
  ...["x-amzn-requestid", "x-request-id", "x-should-retry"],
].join(", ");

/** How long a browser may remember the answer to a preflight request, in seconds. */
const MAX_AGE_S = "600";

/** The origin of a request if its pages may send requests; undefined for all others. */
export function allowedOrigin(headers: Headers, cors: Cors | undefined): string | undefined {
  const origin = headers.get("origin");
  if (cors === undefined || origin === null) return undefined;
  return cors.origins.includes(origin) || cors.origins.includes("*") ? origin : undefined;
}

/** The answer to a preflight request, which has no key; undefined if the request is none. */
export function preflight({ method, headers }: Request, origin: string): Response | undefined {
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
  allow(response.headers, origin);
  return response;
}

/** Lets a page of the origin read the answer. */
export function allow(headers: Headers, origin: string): void {
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", EXPOSED);
  headers.append("vary", "Origin");
}
