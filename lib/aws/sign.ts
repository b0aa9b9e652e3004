/** Signs upstream requests: by SigV4, or with the bearer form of a Bedrock API key. */

import { Buffer } from "node:buffer";
import { EMPTY, encodeUtf8 } from "../base/bytes.ts";
import type { Secret } from "../base/secret.ts";
import { canonicalText, sha256Hex, splitUrl } from "./canonical.ts";

const ALGORITHM = "AWS4-HMAC-SHA256";
const DEFAULT_SERVICE = "bedrock";
const TERMINATOR = "aws4_request";

export interface SignableRequest {
  readonly method: string;
  /** Absolute, its path already percent-encoded as it goes on the wire. */
  readonly url: string;
  /** All headers to send, `host` aside. */
  readonly headers: Headers;
  /** The exact bytes to send. */
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** Gives the headers to send: the request's own and those that authenticate it at the time `nowMs`. */
export type Signer = (request: SignableRequest, nowMs: number) => Promise<Headers>;

export interface SigningKey {
  /** Region of the credential scope. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
  /** Of the credential scope. Default: bedrock. */
  readonly service?: string;
}

/**
 * Signs `host`, `x-amz-date`, the session token and Bedrock's own headers, and nothing else: whatever a proxy may add
 * or change on the way must not be part of the signature.
 *
 * Of the steps only the last is Web Crypto's: each of its calls is a hop to another thread, which for the two small
 * hashes costs more than the hash. The key that it signs with is derived once a day.
 */
export function sigV4Signer(key: SigningKey): Signer {
  let derived: { readonly day: string; readonly signingKey: Promise<CryptoKey> } | undefined;
  return async (request, nowMs) => {
    const date = amzDate(nowMs);
    const day = date.slice(0, 8);
    if (derived?.day !== day) derived = { day, signingKey: deriveKey(key, day) };
    const headers = new Headers(request.headers);
    headers.set("x-amz-date", date);
    if (key.sessionToken !== undefined) headers.set("x-amz-security-token", key.sessionToken.reveal());
    const signed = headersToSign(request.url, headers);
    const canonical = canonicalText(request, signed, sha256Hex(request.body ?? EMPTY));
    const scope = [day, key.region, key.service ?? DEFAULT_SERVICE, TERMINATOR].join("/");
    const toSign = [ALGORITHM, date, scope, sha256Hex(canonical)].join("\n");
    const signature = Buffer.from(await hmac(await derived.signingKey, toSign)).toString("hex");
    const names = signed.map(([name]) => name).join(";");
    headers.set(
      "authorization",
      `${ALGORITHM} Credential=${key.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    );
    return headers;
  };
}

/** Names and values in the order of the names, which is that of `Headers`: `host` comes before all others. */
function headersToSign(url: string, headers: Headers): readonly (readonly [name: string, value: string])[] {
  return [["host", splitUrl(url).authority], ...[...headers].filter(([name]) => isSigned(name))];
}

/** The key of one day, region and service: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html */
async function deriveKey(
  { region, service = DEFAULT_SERVICE, secretAccessKey }: SigningKey,
  day: string,
): Promise<CryptoKey> {
  let key = await importKey(encodeUtf8(`AWS4${secretAccessKey.reveal()}`));
  for (const part of [day, region, service, TERMINATOR]) {
    key = await importKey(new Uint8Array(await hmac(key, part)));
  }
  return key;
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

function hmac(key: CryptoKey, text: string): Promise<ArrayBuffer> {
  return crypto.subtle.sign("HMAC", key, encodeUtf8(text));
}

/** Authenticates with a Bedrock API key; nothing about the request is signed. */
export function bearerSigner(apiKey: Secret): Signer {
  return (request) => {
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${apiKey.reveal()}`);
    return Promise.resolve(headers);
  };
}

function isSigned(name: string): boolean {
  return name === "x-amz-date" || name === "x-amz-security-token" || name.startsWith("x-amzn-bedrock-");
}

/** `20261120T090000Z`, the form of `x-amz-date`. */
function amzDate(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}
