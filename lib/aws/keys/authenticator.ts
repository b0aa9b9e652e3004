/** How requests to one provider are authenticated, and how to recover from a rejection. */

import { exceptionName } from "../exception_name.ts";
import { parseAmzDate } from "../sigv4/amz_date.ts";
import { type SignableRequest, type Signer, sigV4Signer } from "../sigv4/sign.ts";
import type { KeyPair } from "./key_pair.ts";

export interface Authenticator {
  readonly sign: Signer;
  /** Resolves whether the request may succeed if it is signed again; undefined if that never helps. */
  readonly recover?: ((refusal: Refusal) => Promise<boolean>) | undefined;
}

/** A response that is not a success; only its headers are known. */
export interface Refusal {
  readonly headers: Headers;
  /** The request's signed headers. */
  readonly sent: Headers;
  /** The time used for the signature. */
  readonly nowMs: number;
}

export interface KeyAuthenticatorOptions {
  readonly region: string;
  /** The source of key pairs, which renews them if possible. */
  readonly keys: {
    /** The current key pair, at once if there is one. */
    get(): KeyPair | Promise<KeyPair>;
    renew(refused: KeyPair): Promise<boolean>;
  };
  /** Called when AWS's clock differs; the offset is added to this host's time. */
  readonly onClockSkew?: (offsetMs: number) => void;
}

/** The key pair has expired, or AWS does not know it: it was replaced, and a search may find the new one. */
const OUTDATED: ReadonlySet<string> = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
]);
const OUT_OF_TIME: ReadonlySet<string> = new Set([
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "RequestExpired",
  "RequestTimeTooSkewed",
]);

/**
 * AWS accepts signatures up to five minutes off; with a smaller difference, the rejection has another reason.
 */
const TOLERATED_SKEW_MS = 4 * 60_000;

/** Signs with the current key pair, and with AWS's time if this host's is known to be wrong. */
export function keyAuthenticator({ region, keys, onClockSkew }: KeyAuthenticatorOptions): Authenticator {
  let offsetMs = 0;
  let signer: { readonly pair: KeyPair; readonly sign: Signer } | undefined;

  const sign: Signer = (request, nowMs) => {
    const pair = keys.get();
    if (pair instanceof Promise) return pair.then((found) => signWith(found, request, nowMs));
    return signWith(pair, request, nowMs);
  };

  function signWith(pair: KeyPair, request: SignableRequest, nowMs: number): Headers | Promise<Headers> {
    if (signer?.pair !== pair) signer = { pair, sign: sigV4Signer({ region, ...pair }) };
    return signer.sign(request, nowMs + offsetMs);
  }

  function correctClock({ headers, sent, nowMs }: Refusal): boolean {
    const theirs = Date.parse(headers.get("date") ?? "");
    // Also false if there is no date.
    if (!isSkewed(theirs, parseAmzDate(sent.get("x-amz-date") ?? ""))) return false;
    // Another request may have corrected it in the meantime.
    if (isSkewed(theirs, nowMs + offsetMs)) {
      offsetMs = theirs - nowMs;
      onClockSkew?.(offsetMs);
    }
    return true;
  }

  return {
    sign,
    async recover(refusal) {
      const exception = exceptionName(refusal.headers.get("x-amzn-errortype")) ?? "";
      if (OUT_OF_TIME.has(exception)) return correctClock(refusal);
      const pair = signer?.pair;
      if (!OUTDATED.has(exception) || pair === undefined) return false;
      // Another request may have renewed it in the meantime.
      return !isSignedWith(pair, refusal.sent) || await keys.renew(pair);
    },
  };
}

function isSkewed(theirsMs: number, oursMs: number): boolean {
  return Math.abs(theirsMs - oursMs) > TOLERATED_SKEW_MS;
}

function isSignedWith({ accessKeyId, sessionToken }: KeyPair, sent: Headers): boolean {
  return (sent.get("authorization") ?? "").includes(`Credential=${accessKeyId}/`) &&
    sent.get("x-amz-security-token") === (sessionToken?.reveal() ?? null);
}
