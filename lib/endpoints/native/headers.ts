/** Which headers of a native request go to Bedrock, and which of its answer come back. */

/** Whether a request header is Bedrock's own or says what the body is. All others are the caller's connection's. */
export function isForwarded(name: string): boolean {
  return FORWARDED.has(name) || name.startsWith("x-amzn-bedrock-");
}

const FORWARDED: ReadonlySet<string> = new Set(["accept", "content-type", "content-encoding"]);

/** The headers among them that the condition holds for. */
export function pickHeaders(headers: Headers, isPicked: (name: string) => boolean): Headers {
  const picked = new Headers();
  headers.forEach((value, name) => {
    if (isPicked(name)) picked.set(name, value);
  });
  return picked;
}

/** The upstream's headers without those that belong to its connection; this listener writes its own. */
export function answerHeaders(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of HOP_BY_HOP) kept.delete(name);
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
