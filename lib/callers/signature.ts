/** Callers that sign requests with an AWS key pair: finding the claimed caller, and verifying the signature. */

import type { ReceivedRequest } from "../aws/sigv4/canonical.ts";
import {
  claimProblem,
  isSignature,
  parseAuthorization,
  type SignatureError,
  type Verification,
  verifySignature,
} from "../aws/sigv4/verify.ts";
import { AditError, type ErrorKind } from "../base/errors.ts";
import { unseal } from "../base/secret.ts";
import type { Caller, Snapshot } from "../snapshot/snapshot.ts";

const KINDS = {
  ExpiredTokenException: "expired_key",
  IncompleteSignatureException: "incomplete_signature",
  InvalidSignatureException: "invalid_signature",
  MissingAuthenticationTokenException: "missing_key",
  UnrecognizedClientException: "invalid_key",
} as const satisfies Record<SignatureError["name"], ErrorKind>;

/**
 * The caller with the signature's access key id; undefined if the request is unsigned. The signature is not verified
 * yet, but an unknown id, a wrong scope or an old date is refused early.
 */
export function claimedCaller(headers: Headers, snapshot: Snapshot, nowMs: number): Caller | undefined {
  const header = headers.get("authorization");
  if (header === null || !isSignature(header)) return undefined;
  const authorization = parseAuthorization(header);
  if ("problem" in authorization) throw new AditError("incomplete_signature", authorization.problem);
  const caller = snapshot.callersByAccessKeyId.get(authorization.accessKeyId);
  if (caller === undefined) {
    throw new AditError("invalid_key", "The security token included in the request is invalid.");
  }
  const problem = claimProblem(authorization, headers, { nowMs });
  if (problem !== undefined) throw new AditError("invalid_signature", problem);
  return caller;
}

/** Throws, with AWS's messages, unless the request has a valid signature by the caller's key pair. */
export function checkSignature(request: ReceivedRequest, { aws }: Caller, nowMs: number): void {
  const result: Verification = verifySignature(request, {
    nowMs,
    findSecret: (accessKeyId) =>
      aws?.accessKeyId === accessKeyId ? { secretAccessKey: unseal(aws.secretAccessKey) } : undefined,
  });
  if (!result.ok) throw new AditError(KINDS[result.error.name], result.error.message);
}
