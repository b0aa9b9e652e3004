/** Verifies the SigV4 signature of a received request; the counterpart of `sign.ts`. */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { sha256Hex } from "../../base/hash.ts";
import type { Secret } from "../../base/secret.ts";
import { amzDate, parseAmzDate } from "./amz_date.ts";
import { canonicalRequest, isAuthority, type ReceivedRequest } from "./canonical.ts";

/** The secret of an access key that may sign. */
export interface SigningSecret {
  readonly secretAccessKey: Secret;
  /** Set for temporary credentials, which are only valid together with this token. */
  readonly sessionToken?: Secret | undefined;
  /** Milliseconds since the Unix epoch from which the credentials are refused. */
  readonly expiresAtMs?: number;
}

export interface VerifyOptions {
  readonly nowMs: number;
  readonly findSecret: (accessKeyId: string) => SigningSecret | undefined;
  /** The region that the credential scope must have; default: any. */
  readonly region?: string;
}

/** Why a signature is refused: name and message as AWS returns them, and the HTTP status. */
export interface SignatureError {
  readonly name:
    | "ExpiredTokenException"
    | "IncompleteSignatureException"
    | "InvalidSignatureException"
    | "MissingAuthenticationTokenException"
    | "UnrecognizedClientException";
  readonly status: 400 | 403;
  readonly message: string;
}

export type Verification =
  | { readonly ok: true; readonly accessKeyId: string; readonly region: string }
  | { readonly ok: false; readonly error: SignatureError };

const ALGORITHM = "AWS4-HMAC-SHA256";
/** Of Bedrock's runtime, and of its endpoint with OpenAI's and Anthropic's APIs. */
const SERVICES: readonly string[] = ["bedrock", "bedrock-mantle"];
const TERMINATOR = "aws4_request";
/** Maximum difference between the signing time and ours, in either direction. */
const WINDOW_MS = 5 * 60_000;

/**
 * Whether the request has a valid SigV4 `Authorization` header for one of Bedrock's services, by the rules of
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; over HTTP/2 the AWS
 * SDKs sign `:authority` where others sign `host`, and both mean the requested authority.
 */
export function verifySignature(request: ReceivedRequest, options: VerifyOptions): Verification {
  const header = request.headers.get("authorization");
  if (header === null) return refuse("MissingAuthenticationTokenException", "Missing Authentication Token");
  const authorization = parseAuthorization(header);
  if (!("signature" in authorization)) return refuse("IncompleteSignatureException", authorization.problem);
  const { scope, accessKeyId } = authorization;
  const date = request.headers.get("x-amz-date") ?? "";
  const problem = claimProblem(authorization, request.headers, options);
  if (problem !== undefined) return refuse("InvalidSignatureException", problem);

  const secret = options.findSecret(accessKeyId);
  const token = request.headers.get("x-amz-security-token") ?? "";
  if (secret === undefined || !sameText(token, secret.sessionToken?.reveal() ?? "")) {
    return refuse("UnrecognizedClientException", "The security token included in the request is invalid.");
  }
  if (secret.expiresAtMs !== undefined && secret.expiresAtMs <= options.nowMs) {
    return refuse("ExpiredTokenException", "The security token included in the request is expired");
  }

  const unsigned = unsignedHeader(request.headers, authorization.signedHeaders);
  if (unsigned !== undefined) {
    return refuse(
      "InvalidSignatureException",
      `'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`,
    );
  }

  const canonical = canonicalRequest(request, authorization.signedHeaders);
  const expected = canonical &&
    signatureOf({ canonical, date, scope, secretAccessKey: secret.secretAccessKey });
  if (expected === undefined || !sameText(expected, authorization.signature)) {
    return refuse(
      "InvalidSignatureException",
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret " +
        "Access Key and signing method. Consult the service documentation for details.",
    );
  }
  return { ok: true, accessKeyId, region: scope.region };
}

/** Besides the authority: headers that change the meaning of a request, which must not be added to a signed one. */
const MUST_BE_SIGNED = /^(?:x-amz-|x-amzn-bedrock-|anthropic-)/;

/** A header that the signature does not cover, although it has to. */
function unsignedHeader(headers: Headers, signedHeaders: readonly string[]): string | undefined {
  if (!signedHeaders.some(isAuthority)) return "Host";
  const signed = new Set(signedHeaders);
  let unsigned: string | undefined;
  headers.forEach((_value, name) => {
    if (MUST_BE_SIGNED.test(name) && !signed.has(name)) unsigned ??= name;
  });
  return unsigned;
}

/** AWS's message about an invalid scope or date of a signature; does not need the body. */
export function claimProblem(
  { scope }: Authorization,
  headers: Headers,
  { nowMs, region }: Pick<VerifyOptions, "nowMs" | "region">,
): string | undefined {
  return scopeProblem(scope, region) ?? dateProblem(headers.get("x-amz-date") ?? "", scope.day, nowMs);
}

function refuse(name: SignatureError["name"], message: string): Verification {
  const status = name === "IncompleteSignatureException" ? 400 : 403;
  return { ok: false, error: { name, status, message } };
}

/** The credential scope of a signature. */
export interface Scope {
  readonly day: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
}

/** The parameters of an `Authorization` header; none of them is proven. */
export interface Authorization {
  readonly accessKeyId: string;
  readonly scope: Scope;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** Whether an `Authorization` header contains a signature rather than a key. */
export function isSignature(header: string): boolean {
  return header.trimStart().startsWith(ALGORITHM);
}

/** The parameters of a signature, or AWS's message about invalid ones. */
export function parseAuthorization(header: string): Authorization | { readonly problem: string } {
  const [algorithm = "", ...rest] = header.trim().split(/\s+/);
  if (algorithm !== ALGORITHM) return { problem: `Unsupported AWS 'algorithm': '${algorithm}'.` };
  const parameters = new Map<string, string>();
  for (const part of rest.join("").split(",")) {
    const equals = part.indexOf("=");
    if (equals > 0) parameters.set(part.slice(0, equals), part.slice(equals + 1));
  }
  const missing = ["Credential", "Signature", "SignedHeaders"].filter((name) => !parameters.get(name));
  if (missing.length > 0) {
    return { problem: missing.map((name) => `Authorization header requires '${name}' parameter.`).join(" ") };
  }
  // An access key id normally has no slash, but nothing forbids one, so the scope is parsed from the end.
  const credential = (parameters.get("Credential") ?? "").split("/");
  const [day = "", region = "", service = "", terminator = ""] = credential.slice(-4);
  const accessKeyId = credential.slice(0, -4).join("/");
  if (accessKeyId === "") {
    return { problem: "Credential must have at least 5 slash-delimited elements" };
  }
  return {
    accessKeyId,
    scope: { day, region, service, terminator },
    signedHeaders: (parameters.get("SignedHeaders") ?? "").split(";"),
    signature: parameters.get("Signature") ?? "",
  };
}

function scopeProblem(scope: Scope, region: string | undefined): string | undefined {
  if (scope.region === "" || (region !== undefined && scope.region !== region)) {
    return "Credential should be scoped to a valid region.";
  }
  if (!SERVICES.includes(scope.service)) {
    return `Credential should be scoped to correct service: '${SERVICES[0]}'.`;
  }
  if (scope.terminator !== TERMINATOR) {
    return `Credential should be scoped with a valid terminator: '${TERMINATOR}', not '${scope.terminator}'.`;
  }
  return undefined;
}

function dateProblem(date: string, scopeDay: string, nowMs: number): string | undefined {
  const signedMs = parseAmzDate(date);
  if (Number.isNaN(signedMs)) {
    return `Date must be in ISO-8601 'basic format'. Got '${date}'. See http://en.wikipedia.org/wiki/ISO_8601`;
  }
  if (date.slice(0, 8) !== scopeDay) {
    return "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
      `'${scopeDay}' != '${date.slice(0, 8)}', from '${date}'.`;
  }
  const now = amzDate(nowMs);
  if (signedMs < nowMs - WINDOW_MS) {
    return `Signature expired: ${date} is now earlier than ${amzDate(nowMs - WINDOW_MS)} (${now} - 5 min.)`;
  }
  if (signedMs > nowMs + WINDOW_MS) {
    return `Signature not yet current: ${date} is still later than ${amzDate(nowMs + WINDOW_MS)} ` +
      `(${now} + 5 min.)`;
  }
  return undefined;
}

/** The signature of a canonical request, in lowercase hexadecimal. */
export function signatureOf(
  input: { canonical: string; date: string; scope: Scope; secretAccessKey: Secret },
): string {
  const { day, region, service, terminator } = input.scope;
  const toSign = [
    ALGORITHM,
    input.date,
    [day, region, service, terminator].join("/"),
    sha256Hex(input.canonical),
  ].join("\n");
  const key = [day, region, service, terminator].reduce<string | Uint8Array>(
    (key, part) => createHmac("sha256", key).update(part).digest(),
    `AWS4${input.secretAccessKey.reveal()}`,
  );
  return createHmac("sha256", key).update(toSign).digest("hex");
}

/** Compares in constant time. */
export function sameText(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
