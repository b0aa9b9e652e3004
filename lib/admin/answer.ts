/** Responses of the admin listener. */

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

/** A 401 that says which key is missing or wrong. */
export function keyRequired(which: string): Response {
  return json(401, { error: `send ${which} as a bearer token` }, { "www-authenticate": "Bearer" });
}
