/** AWS key pairs and where they are found. */

import { messageOf } from "../../base/errors.ts";
import type { Secret } from "../../base/secret.ts";

/** What signs requests to AWS. */
export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
  /** Milliseconds since the Unix epoch; undefined: good until further notice. */
  readonly expiresAtMs: number | undefined;
}

/** Looks for a key pair anew, whatever was found before; rejects with the reason why there is none. */
export type FindKeyPair = () => Promise<KeyPair>;

/** What STS is asked for. */
export interface RoleRequest {
  readonly arn: string;
  readonly sessionName: string;
  readonly externalId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly durationMs: number;
  /** Whose STS is asked. */
  readonly region: string;
}

/** Whether both are the same keys and session; when they expire does not matter. */
export function sameKeyPair(a: KeyPair, b: KeyPair): boolean {
  return a.accessKeyId === b.accessKeyId && a.secretAccessKey.reveal() === b.secretAccessKey.reveal() &&
    a.sessionToken?.reveal() === b.sessionToken?.reveal();
}

const MAX_REASON_LENGTH = 500;

/**
 * Why no key pair was found, in one line that the operator may read anywhere: what a program printed or a service
 * answered, a command line, and whatever looks like a key or a token are not in it.
 */
export function reasonOf(error: unknown): string {
  // Its message quotes what could not be parsed.
  if (error instanceof SyntaxError) return "the answer is not JSON";
  const text = messageOf(error);
  if (text.startsWith("Command failed")) return "the command of credential_process failed";
  const [line = ""] = text.trim().split(/[\r\n]/, 1);
  return line.replaceAll(/[A-Za-z0-9+/=_-]{40,}/g, "[redacted]").slice(0, MAX_REASON_LENGTH) ||
    "unknown reason";
}
