/** Responses of the admin listener. */

import { AditError, errorRow } from "../base/errors.ts";
import type { AdminApiAccess } from "../snapshot/snapshot.ts";
import { hasKey, mayUseBasic } from "./key.ts";

/** A response that must not be cached. */
export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${JSON.stringify(value, null, 2)}\n`, {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });
}

/** A 405 that lists the allowed methods, separated by commas. */
export function methodNotAllowed(allow: string): Response {
  return json(405, { error: `allowed methods: ${allow}` }, { allow });
}

/** The response to a refused request. Any error but an AditError is thrown again. */
export function errorAnswer(error: unknown): Response {
  if (!(error instanceof AditError)) throw error;
  return json(errorRow(error.kind).status, { error: error.message });
}

/** Decodes a name in a path; throws `invalid_request`. */
export function decodedName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AditError("invalid_request", "the path is not percent-encoded UTF-8");
  }
}

/** The 401 to a request without the admin API key; undefined if it has the key, or none is configured. */
export function withoutAdminKey(request: Request, access: AdminApiAccess | undefined): Response | undefined {
  if (access === undefined || hasKey(request, [access.keyHash])) return undefined;
  return keyRequired(request, "the admin API key");
}

/** A 401 that says which key is missing or wrong. A browser that opens a page asks its user for the key. */
export function keyRequired(request: Request, which: string): Response {
  const { headers } = request;
  // Requests of scripts have no destination; the browser must not prompt for those, as the page does so itself.
  const destination = headers.get("sec-fetch-dest");
  const isOpened = destination === null
    ? (headers.get("accept") ?? "").includes("text/html")
    : destination !== "empty";
  const ways = mayUseBasic(request) ? "a bearer token, or as the password of HTTP Basic" : "a bearer token";
  return json(401, { error: `send ${which} as ${ways}` }, {
    "www-authenticate": isOpened ? 'Basic realm="Adit: the key is the password", charset="UTF-8"' : "Bearer",
  });
}
