/** Signs upstream requests: SigV4 by `aws4fetch` on Web Crypto, or the bearer form of a Bedrock API key. */

import { Buffer } from "node:buffer";
import { AwsV4Signer } from "aws4fetch";
import { EMPTY, encodeUtf8 } from "../base/bytes.ts";
import { sha256Hex } from "../base/hash.ts";
import type { Secret } from "../base/secret.ts";

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
 */
export function sigV4Signer(key: SigningKey): Signer {
  const { region, accessKeyId, service = "bedrock" } = key;
  let derived: { readonly day: string; readonly signingKey: Promise<CryptoKey> } | undefined;
  return async (request, nowMs) => {
    const datetime = amzDate(nowMs);
    const day = datetime.slice(0, 8);
    if (derived?.day !== day) derived = { day, signingKey: deriveKey(key, { day, service }) };
    const toSign = new Headers();
    for (const [name, value] of request.headers) {
      if (isSigned(name)) toSign.set(name, value);
    }
    const signer = new OneHopSigner({
      method: request.method,
      url: request.url,
      headers: toSign,
      service,
      region,
      accessKeyId,
      // The key of the day stands in for it.
      secretAccessKey: "",
      ...(key.sessionToken === undefined ? {} : { sessionToken: key.sessionToken.reveal() }),
      datetime,
    }, { body: request.body ?? EMPTY, signingKey: derived.signingKey });
    const signed = await signer.sign();
    const headers = new Headers(request.headers);
    for (const [name, value] of signed.headers) headers.set(name, value);
    return headers;
  };
}

/**
 * The signer of `aws4fetch` with one call of Web Crypto a request instead of four: each is a hop to another thread,
 * which for the two small hashes costs more than the hash, and the key of the day is imported once.
 */
class OneHopSigner extends AwsV4Signer {
  readonly #bodyHash: string;
  readonly #signingKey: Promise<CryptoKey>;

  constructor(
    options: ConstructorParameters<typeof AwsV4Signer>[0],
    { body, signingKey }: { body: Uint8Array<ArrayBuffer>; signingKey: Promise<CryptoKey> },
  ) {
    super(options);
    this.#bodyHash = sha256Hex(body);
    this.#signingKey = signingKey;
  }

  override hexBodyHash(): Promise<string> {
    return Promise.resolve(this.#bodyHash);
  }

  override async stringToSign(): Promise<string> {
    const hash = sha256Hex(await this.canonicalString());
    return ["AWS4-HMAC-SHA256", this.datetime, this.credentialString, hash].join("\n");
  }

  override async signature(): Promise<string> {
    return Buffer.from(await hmac(await this.#signingKey, await this.stringToSign())).toString("hex");
  }
}

/** The key of one day, region and service: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html */
async function deriveKey(
  { region, secretAccessKey }: SigningKey,
  { day, service }: { day: string; service: string },
): Promise<CryptoKey> {
  let key = await importKey(encodeUtf8(`AWS4${secretAccessKey.reveal()}`));
  for (const part of [day, region, service, "aws4_request"]) {
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
  return name.startsWith("x-amzn-bedrock-");
}

/** `20261120T090000Z`, the form of `x-amz-date`. */
function amzDate(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}
