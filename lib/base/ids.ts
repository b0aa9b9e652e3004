/** Identifiers: unguessable where a secret is meant, merely unique where not. */

import { randomBytes, randomUUID } from "node:crypto";

/** A fresh request id, as sent in `x-request-id`. */
export function newRequestId(): string {
  return `req_${randomUUID().replaceAll("-", "")}`;
}

/** A fresh id of a chat completion, in OpenAI's form. */
export function newCompletionId(): string {
  return `chatcmpl-${randomUUID().replaceAll("-", "")}`;
}

/** A fresh id of a message, in Anthropic's form. */
export function newMessageId(): string {
  return `msg_${randomUUID().replaceAll("-", "")}`;
}

/** A caller key with 256 bits of randomness; recognisable, so that secret scanners can find a leaked one. */
export function newCallerKey(): string {
  return `adit_${randomBytes(32).toString("base64url")}`;
}
