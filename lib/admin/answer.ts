/** Responses of the admin listener. */

import { mayUseBasic } from "./key.ts";

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

/** A 401 that says which key is missing or wrong. A browser that opens a page asks its user for the key. */
export function keyRequired(request: Request, which: string): Response {
  const { headers } = request;
  // What a script fetches has no destination; a question would come out of nowhere, and the page asks by itself.
  const destination = headers.get("sec-fetch-dest");
  const isOpened = destination === null
    ? (headers.get("accept") ?? "").includes("text/html")
    : destination !== "empty";
  const ways = mayUseBasic(request) ? "a bearer token, or as the password of HTTP Basic" : "a bearer token";
  return json(401, { error: `send ${which} as ${ways}` }, {
    "www-authenticate": isOpened ? 'Basic realm="Adit: the key is the password", charset="UTF-8"' : "Bearer",
  });
}
