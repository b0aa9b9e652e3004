/** Who is calling: finds the caller by the key in the request's headers, or by the signature over the request. */

import { AditError } from "../base/errors.ts";
import { sha256Hex } from "../base/hash.ts";
import type { ReceivedRequest } from "../aws/sigv4/canonical.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";
import { checkSignature, claimedCaller } from "./signature.ts";

/** Where clients put their key, in the order in which the places are tried. */
const KEY_PLACES: readonly {
  readonly header: string;
  readonly read: (value: string) => string | undefined;
}[] = [
  // A client that signs for AWS itself needs `authorization` for that and sends its key here.
  { header: "cf-aig-authorization", read: bearerToken },
  { header: "authorization", read: bearerToken },
  { header: "x-api-key", read: (value) => value.trim() },
  { header: "api-key", read: (value) => value.trim() },
];

/** A longer text is no key of ours, and is not worth hashing. */
const MAX_KEY_LENGTH = 4096;

/** A caller who has shown a key, or a claim to be one, which a signature over the whole request has yet to prove. */
export type Identity =
  | { readonly kind: "caller"; readonly caller: Caller }
  | { readonly kind: "claim"; readonly caller: Caller };

/**
 * Who the headers say is calling, or an AditError `missing_key`, `invalid_key`, `expired_key`, `disabled_key` or
 * `incomplete_signature`. Clients may send a key twice, and a signature beside it that is meant for AWS; the first key
 * that is known counts. Keys are found by their hash, so that how long a look-up takes says nothing about any key.
 */
export function identify(headers: Headers, snapshot: Snapshot, nowMs: number): Identity {
  let given = false;
  for (const { header, read } of KEY_PLACES) {
    const value = headers.get(header);
    const key = value === null ? undefined : read(value);
    if (key === undefined || key === "") continue;
    given = true;
    const caller = key.length > MAX_KEY_LENGTH ? undefined : snapshot.callersByKeyHash.get(sha256Hex(key));
    if (caller !== undefined) return { kind: "caller", caller: checkUsable(caller, nowMs) };
  }
  const claimed = claimedCaller(headers, snapshot);
  if (claimed !== undefined) return { kind: "claim", caller: claimed };
  throw new AditError(given ? "invalid_key" : "missing_key");
}

/** The caller, once the request is there in full. Throws as AWS answers a signature that is not good. */
export function prove({ kind, caller }: Identity, request: ReceivedRequest, nowMs: number): Caller {
  if (kind === "caller") return caller;
  checkSignature(request, caller, nowMs);
  return checkUsable(caller, nowMs);
}

/** Why a caller is refused who is known, as the kind of the error; undefined for one who is not. */
export function whyUnusable(
  { disabled, expiresAtMs }: Caller,
  nowMs: number,
): "disabled_key" | "expired_key" | undefined {
  if (disabled) return "disabled_key";
  return expiresAtMs !== undefined && nowMs >= expiresAtMs ? "expired_key" : undefined;
}

function checkUsable(caller: Caller, nowMs: number): Caller {
  const refusal = whyUnusable(caller, nowMs);
  if (refusal !== undefined) throw new AditError(refusal);
  return caller;
}

function bearerToken(value: string): string | undefined {
  return /^bearer[ \t]+(.*)$/i.exec(value)?.[1]?.trim();
}
