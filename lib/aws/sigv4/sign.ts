/** Signs upstream requests: SigV4 by `aws4fetch` on Web Crypto, or the bearer form of a Bedrock API key. */

import { AwsV4Signer } from "aws4fetch";
import { EMPTY, encodeUtf8 } from "../../base/bytes.ts";
import { endOfTurn } from "../../base/end_of_turn.ts";
import { sha256Hex } from "../../base/hash.ts";
import type { Secret } from "../../base/secret.ts";
import { amzDate } from "./amz_date.ts";

export interface SignableRequest {
  readonly method: string;
  /** Absolute; the path is percent-encoded as it is sent. */
  readonly url: string;
  /** All headers to send except `host`. */
  readonly headers: Headers;
  /** The exact bytes to send, or well-formed text whose UTF-8 they are, which is cheaper to hash and to send. */
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
  /** Service of the credential scope. Default: the signer's. */
  readonly service?: string | undefined;
}

/** Returns the headers to send: the request's own, and those that authenticate it at time `nowMs`. */
export type Signer = (request: SignableRequest, nowMs: number) => Headers | Promise<Headers>;

export interface SigningKey {
  /** Region of the credential scope. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret | undefined;
  /** Service of the credential scope. Default: bedrock. */
  readonly service?: string;
}

type ScopedKey = SigningKey & { readonly service: string };

/**
 * Signs only `host`, `x-amz-date`, the session token and the headers of Bedrock's APIs: a proxy may add or change any
 * others.
 */
export function sigV4Signer({ service: usual = "bedrock", ...others }: SigningKey): Signer {
  const signers = new Map<string, Signer>();
  return (request, nowMs) => {
    const { service = usual } = request;
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
  return async (request, nowMs) => {
    const atS = Math.floor(nowMs / 1000);
    if (second?.atS !== atS) second = { atS, datetime: amzDate(nowMs), forms: new Map() };
    const date = second.datetime.slice(0, 8);
    if (day?.date !== date) day = newDay(key, date);
    // Read before the first await: afterwards it may be another second, and another day.
    const { signingKey } = day;
    const found = formOf(request, key, second);
    const form = found instanceof Promise ? await found : found;
    const canonicalHash = sha256Hex(form.canonicalRequest + sha256Hex(request.body ?? EMPTY));
    const secret = signingKey instanceof Promise ? await signingKey : signingKey;
    // Web Crypto signs in its own threads, and waking one takes longer than signing.
    await endOfTurn();
    const signature = await hmac(secret, form.stringToSign + canonicalHash);
    const headers = new Headers(request.headers);
    for (const [name, value] of form.headers) headers.set(name, value);
    headers.set("authorization", form.authorization + new Uint8Array(signature).toHex());
    return headers;
  };
}

interface Day {
  readonly date: string;
  /** A promise until it has been derived. */
  signingKey: CryptoKey | Promise<CryptoKey>;
}

function newDay(key: ScopedKey, date: string): Day {
  const day: Day = { date, signingKey: deriveKey(key, date).then((derived) => day.signingKey = derived) };
  return day;
}

interface Second {
  /** Since the Unix epoch. */
  readonly atS: number;
  readonly datetime: string;
  /** Of requests with the method POST, by URL. */
  readonly forms: Map<string, SharedForm>;
}

/** The parts that requests to one URL within a second share; their own parts are appended. */
interface Form {
  readonly canonicalRequest: string;
  readonly stringToSign: string;
  readonly authorization: string;
  /** Headers to send in addition to the request's, except `authorization`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

interface SharedForm {
  /** A promise until it has been made. */
  form: Form | Promise<Form>;
  /** Headers without any to sign, which other requests may share. */
  readonly unsigned: Headers;
}

/** Maximum number of URLs that are cached for a second. */
const MAX_FORMS = 100;

function formOf(request: SignableRequest, key: ScopedKey, second: Second): Form | Promise<Form> {
  const { method, url, headers } = request;
  const known = method === "POST" ? second.forms.get(url) : undefined;
  if (known === undefined || (known.unsigned !== headers && hasSignedHeader(headers))) {
    return newForm(request, key, second);
  }
  return known.form;
}

async function newForm(
  { method, url, headers }: SignableRequest,
  key: ScopedKey,
  { datetime, forms }: Second,
): Promise<Form> {
  const signed: [name: string, value: string][] = [];
  headers.forEach((value, name) => {
    if (isSigned(name)) signed.push([name, value]);
  });
  const making = makeForm({ method, url, headers: signed, datetime }, key);
  if (method !== "POST" || signed.length > 0 || forms.size >= MAX_FORMS) return await making;
  const shared: SharedForm = { form: making, unsigned: headers };
  forms.set(url, shared);
  return shared.form = await making;
}

/** Whether a header is part of the signature, so that the request cannot share a form. */
function hasSignedHeader(headers: Headers): boolean {
  let isFound = false;
  headers.forEach((_value, name) => isFound ||= isSigned(name));
  return isFound;
}

function isSigned(name: string): boolean {
  return name.startsWith("x-amzn-bedrock-") || name.startsWith("anthropic-");
}

interface FormOptions {
  readonly method: string;
  readonly url: string;
  /** The headers to sign. */
  readonly headers: [name: string, value: string][];
  readonly datetime: string;
}

async function makeForm({ method, url, headers, datetime }: FormOptions, key: ScopedKey): Promise<Form> {
  const { region, accessKeyId, service, sessionToken } = key;
  const signer = new FormSigner({
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
  return {
    canonicalRequest: await signer.canonicalString(),
    stringToSign: `AWS4-HMAC-SHA256\n${datetime}\n${signer.credentialString}\n`,
    authorization: await signer.authHeader(),
    headers: [...signer.headers],
  };
}

/**
 * The signer of `aws4fetch`, with placeholders for the body hash and the signature: a request then needs one Web
 * Crypto call instead of four, each of which is a round trip to another thread.
 */
class FormSigner extends AwsV4Signer {
  override hexBodyHash(): Promise<string> {
    return Promise.resolve("");
  }

  override signature(): Promise<string> {
    return Promise.resolve("");
  }
}

/**
 * The signing key of one day, region and service:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
async function deriveKey(
  { region, secretAccessKey, service }: ScopedKey,
  date: string,
): Promise<CryptoKey> {
  let key = await importKey(encodeUtf8(`AWS4${secretAccessKey.reveal()}`));
  for (const part of [date, region, service, "aws4_request"]) {
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

/** Authenticates with a Bedrock API key; nothing in the request is signed. */
export function bearerSigner(apiKey: Secret): Signer {
  return (request) => {
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${apiKey.reveal()}`);
    return headers;
  };
}
