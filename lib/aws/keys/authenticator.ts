/** How requests to one provider are authenticated, and what may be done about a refusal. */

import type { KeyKeeper } from "./key_keeper.ts";
import type { KeyPair } from "./key_pair.ts";
import { type Signer, sigV4Signer } from "../sigv4/sign.ts";

export interface Authenticator {
  readonly sign: Signer;
  /** Resolves whether the request, signed once more, may be taken; left out where that never helps. */
  readonly recover?: (refusal: Refusal) => Promise<boolean>;
}

/** An answer that is not a success, as far as its headers tell. */
export interface Refusal {
  readonly headers: Headers;
  /** The headers of the request, signed. */
  readonly sent: Headers;
  /** The time that it was signed for. */
  readonly nowMs: number;
}

export interface KeyAuthenticatorOptions {
  readonly region: string;
  /** Where key pairs come from, and where they are renewed if they can be. */
  readonly keys: Pick<KeyKeeper, "get" | "renew">;
  /** Called when AWS's clock turned out to be another; the offset is what was added to this host's time. */
  readonly onClockSkew?: (offsetMs: number) => void;
}

const EXPIRED: ReadonlySet<string> = new Set(["ExpiredToken", "ExpiredTokenException"]);
const OUT_OF_TIME: ReadonlySet<string> = new Set([
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "RequestExpired",
  "RequestTimeTooSkewed",
]);

/** AWS takes signatures that are five minutes off; what differs by less was refused for another reason. */
const TOLERATED_SKEW_MS = 4 * 60_000;

/** Signs with the key pair of the moment, by AWS's clock where this host's is known to be wrong. */
export function keyAuthenticator({ region, keys, onClockSkew }: KeyAuthenticatorOptions): Authenticator {
  let offsetMs = 0;
  let signer: { readonly pair: KeyPair; readonly sign: Signer } | undefined;

  const sign: Signer = async (request, nowMs) => {
    const pair = await keys.get();
    if (signer?.pair !== pair) signer = { pair, sign: signerFor(pair, region) };
    return await signer.sign(request, nowMs + offsetMs);
  };

  function correctClock({ headers, nowMs }: Refusal): boolean {
    const theirs = Date.parse(headers.get("date") ?? "");
    // Also false where there is no date.
    if (!(Math.abs(theirs - nowMs - offsetMs) > TOLERATED_SKEW_MS)) return false;
    offsetMs = theirs - nowMs;
    onClockSkew?.(offsetMs);
    return true;
  }

  return {
    sign,
    async recover(refusal) {
      const exception = refusal.headers.get("x-amzn-errortype")?.split(":")[0] ?? "";
      if (OUT_OF_TIME.has(exception)) return correctClock(refusal);
      const pair = signer?.pair;
      if (!EXPIRED.has(exception) || pair === undefined) return false;
      // Another request may have had it renewed while this one was on its way.
      if (refusal.sent.get("x-amz-security-token") !== (pair.sessionToken?.reveal() ?? null)) return true;
      return await keys.renew(pair);
    },
  };
}

function signerFor(pair: KeyPair, region: string): Signer {
  const { accessKeyId, secretAccessKey, sessionToken } = pair;
  return sigV4Signer({
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  });
}
