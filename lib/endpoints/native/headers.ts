/** Selects the headers of a native request for Bedrock, and those of its response for the caller. */

/**
 * Whether a request header is Bedrock's own or describes the body. All others belong to the caller's connection.
 */
export function isForwarded(name: string): boolean {
  return FORWARDED.has(name) || name.startsWith("x-amzn-bedrock-");
}

const FORWARDED: ReadonlySet<string> = new Set(["accept", "content-type", "content-encoding"]);

/** The headers for which the condition holds. */
export function pickHeaders(headers: Headers, isPicked: (name: string) => boolean): Headers {
  const picked = new Headers();
  headers.forEach((value, name) => {
    if (isPicked(name)) picked.set(name, value);
  });
  return picked;
}

/**
 * The upstream's headers without those of its connection, and without CORS headers, which are for the gateway to send.
 */
export function answerHeaders(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of HOP_BY_HOP) kept.delete(name);
  headers.forEach((_value, name) => {
    if (name.startsWith("access-control-")) kept.delete(name);
  });
  return kept;
}

const HOP_BY_HOP = [
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
] as const;
