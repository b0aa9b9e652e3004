/** Signs upstream requests: SigV4 in the canonical form of `aws4fetch`, or the bearer form of a Bedrock API key. */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import { EMPTY } from "../../base/bytes.ts";
import { sha256Hex } from "../../base/hash.ts";
import type { Secret } from "../../base/secret.ts";

export interface SignableRequest {
  readonly method: string;
  /** Absolute; the path is percent-encoded as it is sent. */
  readonly url: string;
  /** All headers to send except `host`. */
  readonly headers: Headers;
  /** The exact bytes to send. */
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Service of the credential scope. Default: the signer's. */
  readonly service?: string;
}

/** Returns the headers to send: the request's own, and those that authenticate it at time `nowMs`. */
export type Signer = (request: SignableRequest, nowMs: number) => Headers | Promise<Headers>;

export interface SigningKey {
  /** Region of the credential scope. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
  /** Service of the credential scope. Default: bedrock. */
  readonly service?: string;
}

type ScopedKey = SigningKey & { readonly service: string };

/**
 * Signs only `host`, `x-amz-date`, the session token and the headers of Bedrock's APIs: a proxy may add or change any others.
 */
export function sigV4Signer({ service: usual = "bedrock", ...others }: SigningKey): Signer {
  const signers = new Map<string, Signer>();
  return ({ service = usual, ...request }, nowMs) => {
    let sign = signers.get(service);
    if (sign === undefined) {
      sign = serviceSigner({ service, ...others });
      signers.set(service, sign);
    }
    return sign(request, nowMs);
  };
}

function serviceSigner(key: ScopedKey): Signer {
  let day: Day | undefined;
  let second: Second | undefined;
  return (request, nowMs) => {
    const atS = Math.floor(nowMs / 1000);
    if (second?.atS !== atS) second = { atS, datetime: amzDate(nowMs), forms: new Map() };
    const date = second.datetime.slice(0, 8);
    if (day?.date !== date) day = { date, signingKey: deriveKey(key, date) };
    const form = formOf(request, key, second);
    const canonicalHash = sha256Hex(form.canonicalRequest + sha256Hex(request.body ?? EMPTY));
    const signature = createHmac("sha256", day.signingKey).update(form.stringToSign + canonicalHash).digest(
      "hex",
    );
    const headers = new Headers(request.headers);
    for (const [name, value] of form.headers) headers.set(name, value);
    headers.set("authorization", form.authorization + signature);
    return headers;
  };
}

interface Day {
  readonly date: string;
  readonly signingKey: Buffer;
}

interface Second {
  /** Since the Unix epoch. */
  readonly atS: number;
  readonly datetime: string;
  /** By method and URL. */
  readonly forms: Map<string, Form>;
}

/** What requests to one URL within a second share; their own parts are appended. */
interface Form {
  readonly canonicalRequest: string;
  readonly stringToSign: string;
  readonly authorization: string;
  /** Headers to send in addition to the request's, except `authorization`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Limits what is cached for a second, whatever the requests. */
const MAX_FORMS = 100;

function formOf({ method, url, headers }: SignableRequest, key: ScopedKey, second: Second): Form {
  const { datetime, forms } = second;
  const signed: [name: string, value: string][] = [];
  headers.forEach((value, name) => {
    if (name.startsWith("x-amzn-bedrock-") || name.startsWith("anthropic-")) signed.push([name, value]);
  });
  const name = `${method} ${url}`;
  const known = signed.length === 0 ? forms.get(name) : undefined;
  if (known !== undefined) return known;
  const form = makeForm({ method, url, headers: signed, datetime }, key);
  if (signed.length === 0 && forms.size < MAX_FORMS) forms.set(name, form);
  return form;
}

interface FormOptions {
  readonly method: string;
  readonly url: string;
  /** The headers to sign. */
  readonly headers: [name: string, value: string][];
  readonly datetime: string;
}

/**
 * The parts of the canonical request by `aws4fetch`, joined here: its own functions are asynchronous, since they hash with
 * Web Crypto, whose every call is a round trip to another thread.
 */
function makeForm({ method, url, headers, datetime }: FormOptions, key: ScopedKey): Form {
  const { region, accessKeyId, service, sessionToken } = key;
  const signer = new AwsV4Signer({
    method,
    url,
    headers,
    service,
    region,
    accessKeyId,
    // The derived key of the day is used instead.
    secretAccessKey: "",
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
    datetime,
  });
  const { encodedPath, encodedSearch, canonicalHeaders, signedHeaders, credentialString } = signer;
  return {
    canonicalRequest:
      `${method}\n${encodedPath}\n${encodedSearch}\n${canonicalHeaders}\n\n${signedHeaders}\n`,
    stringToSign: `AWS4-HMAC-SHA256\n${datetime}\n${credentialString}\n`,
    authorization:
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${credentialString}, SignedHeaders=${signedHeaders}, Signature=`,
    headers: [...signer.headers],
  };
}

/**
 * The signing key of one day, region and service:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
function deriveKey({ region, secretAccessKey, service }: ScopedKey, date: string): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey.reveal()}`);
  for (const part of [date, region, service, "aws4_request"]) {
    key = createHmac("sha256", key).update(part).digest();
  }
  return key;
}

/** Authenticates with a Bedrock API key; nothing in the request is signed. */
export function bearerSigner(apiKey: Secret): Signer {
  return (request) => {
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${apiKey.reveal()}`);
    return headers;
  };
}

/** `20261120T090000Z`, the form of `x-amz-date`. */
function amzDate(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}
