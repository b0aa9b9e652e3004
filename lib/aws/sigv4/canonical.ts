/** SigV4's canonical form of a received request, for every service except S3. */

import { sha256Hex } from "../../base/hash.ts";

/** A request as received. */
export interface ReceivedRequest {
  readonly method: string;
  /** Absolute; path and query exactly as received, neither decoded nor normalised. */
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/**
 * The text that a signer of `signedHeaders` has hashed. Undefined if one of them is missing, the authority is not
 * among them, or the body does not match `x-amz-content-sha256`.
 */
export function canonicalRequest(
  request: ReceivedRequest,
  signedHeaders: readonly string[],
): string | undefined {
  const { authority, path, query } = splitUrl(request.url);
  if (!signedHeaders.some(isAuthority)) return undefined;
  const lines: string[] = [];
  for (const name of signedHeaders) {
    const value = isAuthority(name) ? request.headers.get("host") ?? authority : readHeader(request, name);
    if (value === null) return undefined;
    lines.push(`${name}:${value.trim().replace(/ +/g, " ")}\n`);
  }
  const payloadHash = canonicalPayloadHash(request);
  if (payloadHash === undefined) return undefined;
  return [
    request.method.toUpperCase(),
    canonicalPath(path),
    canonicalQuery(query),
    lines.join(""),
    signedHeaders.join(";"),
    payloadHash,
  ].join("\n");
}

/** Whether a signed header is the requested host. */
export function isAuthority(name: string): boolean {
  return name === "host" || name === ":authority";
}

/** A name that HTTP does not allow is a header that was not sent. */
function readHeader(request: ReceivedRequest, name: string): string | null {
  return /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) ? request.headers.get(name) : null;
}

function canonicalPayloadHash(request: ReceivedRequest): string | undefined {
  const announced = request.headers.get("x-amz-content-sha256");
  if (announced === UNSIGNED_PAYLOAD) return announced;
  const hash = sha256Hex(request.body);
  return announced === null || announced === hash ? hash : undefined;
}

/** The parts of an absolute URL as written; WHATWG's parser would normalise the path. */
function splitUrl(url: string): { authority: string; path: string; query: string } {
  const [, authority = "", path = "", query = ""] = /^[a-z]+:\/\/([^/?#]*)([^?#]*)\??([^#]*)/i.exec(url) ??
    [];
  return { authority, path, query };
}

/** Each path segment is encoded again as received, including `%2F`; only S3 signs it unchanged. */
function canonicalPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(percentEncode(segment));
  }
  const trailing = path.endsWith("/") && kept.length > 0 ? "/" : "";
  return `/${kept.join("/")}${trailing}`;
}

/** The query parameters in canonical encoding, sorted; `+` is a literal plus sign. */
export function canonicalQuery(query: string): string {
  const pairs: [name: string, value: string][] = query.split("&").filter((part) => part !== "").map(
    (part) => {
      const equals = part.indexOf("=");
      return equals === -1 ? [percentEncode(percentDecode(part)), ""] : [
        percentEncode(percentDecode(part.slice(0, equals))),
        percentEncode(percentDecode(part.slice(equals + 1))),
      ];
    },
  );
  return pairs
    .sort((one, other) => compare(one[0], other[0]) || compare(one[1], other[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/**
 * Percent-encodes everything except RFC 3986's unreserved characters: `:` becomes `%3A`, `/` becomes `%2F`.
 */
export function percentEncode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The text with its percent-encoding decoded, or unchanged if the encoding is invalid. */
export function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
