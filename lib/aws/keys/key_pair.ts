/** AWS key pairs and their sources. */

import { messageOf } from "../../base/errors.ts";
import type { Secret } from "../../base/secret.ts";
import type { Fetch } from "../../runtime/runtime.ts";

/** The key pair that signs requests to AWS. */
export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
  /** Milliseconds since the Unix epoch; undefined if it does not expire. */
  readonly expiresAtMs: number | undefined;
}

/** Where and how AWS's services are asked. */
export interface SearchOptions {
  readonly region: string;
  /** How STS and IAM Identity Center are reached; undefined for a direct connection. */
  readonly fetch: Fetch | undefined;
}

/** Searches for a key pair, ignoring earlier results; rejects with the reason there is none. */
export type FindKeyPair = () => Promise<KeyPair>;

/** Parameters for STS. */
export interface RoleRequest {
  readonly arn: string;
  readonly sessionName: string;
  readonly externalId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly durationMs: number;
}

/** Whether both have the same keys and session; their expiry is ignored. */
export function sameKeyPair(a: KeyPair, b: KeyPair): boolean {
  return a.accessKeyId === b.accessKeyId && a.secretAccessKey.reveal() === b.secretAccessKey.reveal() &&
    a.sessionToken?.reveal() === b.sessionToken?.reveal();
}

/** The default chain has four steps, each with a reason. */
const MAX_REASON_LENGTH = 1000;

/**
 * Why no key pair was found, in one line that is safe to log: it excludes output of programs, responses of services,
 * command lines, and anything that looks like a key or a token.
 */
export function reasonOf(error: unknown): string {
  // The message quotes the response.
  if (error instanceof SyntaxError) return "the response is not JSON";
  const text = messageOf(error);
  if (text.startsWith("Command failed")) return "the command of credential_process failed";
  const [line = ""] = text.trim().split(/[\r\n]/, 1);
  return line.replaceAll(/[A-Za-z0-9+/=_-]{40,}/g, "[redacted]").slice(0, MAX_REASON_LENGTH) ||
    "unknown reason";
}
