/** Signs upstream requests: SigV4 by `aws4fetch`, or the bearer form of a Bedrock API key. */

import { AwsV4Signer } from "aws4fetch";
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
  // The signer's cache of derived keys never forgets; a new day's first request starts a new one.
  let derivedKeys = { day: "", cache: new Map<string, ArrayBuffer>() };
  return async (request, nowMs) => {
    const datetime = amzDate(nowMs);
    const day = datetime.slice(0, 8);
    if (derivedKeys.day !== day) derivedKeys = { day, cache: new Map() };
    const toSign = new Headers();
    for (const [name, value] of request.headers) {
      if (isSigned(name)) toSign.set(name, value);
    }
    const signer = new AwsV4Signer({
      method: request.method,
      url: request.url,
      headers: toSign,
      ...(request.body === undefined ? {} : { body: request.body }),
      service: key.service ?? "bedrock",
      region: key.region,
      accessKeyId: key.accessKeyId,
      secretAccessKey: key.secretAccessKey.reveal(),
      ...(key.sessionToken === undefined ? {} : { sessionToken: key.sessionToken.reveal() }),
      cache: derivedKeys.cache,
      datetime,
    });
    const signed = await signer.sign();
    const headers = new Headers(request.headers);
    for (const [name, value] of signed.headers) headers.set(name, value);
    return headers;
  };
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
