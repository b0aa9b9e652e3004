/** Authentication: finds the caller by the key in the headers, or by the request's AWS signature. */

import { AditError } from "../base/errors.ts";
import { sha256Hex } from "../base/hash.ts";
import type { ReceivedRequest } from "../aws/sigv4/canonical.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import { checkSignature, claimedCaller } from "./signature.ts";

/** The headers that may hold a key, in order of precedence. */
const KEY_PLACES: readonly {
  readonly header: string;
  readonly read: (value: string) => string | undefined;
}[] = [
  // A client that also signs for AWS sends its key here, as it needs `authorization` for the signature.
  { header: "cf-aig-authorization", read: bearerToken },
  { header: "authorization", read: bearerToken },
  { header: "x-api-key", read: (value) => value.trim() },
  { header: "api-key", read: (value) => value.trim() },
];

/** A longer value cannot be one of our keys, and is not hashed. */
const MAX_KEY_LENGTH = 4096;

/** A caller with a verified key, or one claimed by a signature that covers the body and has yet to be verified. */
export type Identity =
  | { readonly kind: "caller"; readonly caller: Caller }
  | { readonly kind: "claim"; readonly caller: Caller };

/**
 * Returns the caller that the headers identify, or throws `missing_key`, `invalid_key`, `expired_key`, `disabled_key`,
 * `incomplete_signature` or `invalid_signature`. Clients may send several keys, and an AWS signature in addition; the
 * first known key counts. Keys are looked up by hash, so that the time of a lookup reveals nothing about any key.
 */
export function identify(headers: Headers, snapshot: Snapshot, nowMs: number): Identity {
  let given = false;
  for (const { header, read } of KEY_PLACES) {
    const value = headers.get(header);
    const key = value === null ? undefined : read(value);
    if (key === undefined || key === "") continue;
    given = true;
    if (key.length > MAX_KEY_LENGTH) continue;
    const hash = sha256Hex(key);
    const caller = snapshot.callersByKeyHash.get(hash);
    if (caller === undefined) continue;
    if (nowMs >= (snapshot.keyExpiresAtMs.get(hash) ?? Infinity)) throw new AditError("expired_key");
    return { kind: "caller", caller: checkUsable(caller, nowMs) };
  }
  const claimed = claimedCaller(headers, snapshot, nowMs);
  if (claimed !== undefined) return { kind: "claim", caller: claimed };
  throw new AditError(given ? "invalid_key" : "missing_key");
}

/** Verifies the signature of a received request, if it has one. Throws the errors that AWS returns. */
export function verifyIdentity({ kind, caller }: Identity, request: ReceivedRequest, nowMs: number): Caller {
  if (kind === "caller") return caller;
  checkSignature(request, caller, nowMs);
  return checkUsable(caller, nowMs);
}

/** Why a known caller is refused; undefined if it is not. */
export function refusalReason(
  { disabled, expiresAtMs }: Caller,
  nowMs: number,
): "disabled_key" | "expired_key" | undefined {
  if (disabled) return "disabled_key";
  return expiresAtMs !== undefined && nowMs >= expiresAtMs ? "expired_key" : undefined;
}

function checkUsable(caller: Caller, nowMs: number): Caller {
  const refusal = refusalReason(caller, nowMs);
  if (refusal !== undefined) throw new AditError(refusal);
  return caller;
}

function bearerToken(value: string): string | undefined {
  return /^bearer[ \t]+(.*)$/i.exec(value)?.[1]?.trim();
}
