/** Identifiers: unguessable if they are secrets, otherwise merely unique. */

import { randomBytes, randomUUID } from "node:crypto";

/** A new request id, as sent in `x-request-id`. */
export function newRequestId(): string {
  return `req_${randomUUID().replaceAll("-", "")}`;
}

/** A new chat completion id in OpenAI's form. */
export function newCompletionId(): string {
  return `chatcmpl-${randomUUID().replaceAll("-", "")}`;
}

/** A new response id in OpenAI's form. */
export function newResponseId(): string {
  return `resp_${randomUUID().replaceAll("-", "")}`;
}

/** A new message id in Anthropic's form. */
export function newMessageId(): string {
  return `msg_${randomUUID().replaceAll("-", "")}`;
}

/** A caller key with 256 random bits and a prefix by which secret scanners recognise it. */
export function newCallerKey(): string {
  return `adit_${randomBytes(32).toString("base64url")}`;
}

/** A random number from 0 up to, but not including, 1: for choices and spreading load, never for secrets. */
export function randomFraction(): number {
  return Math.random();
}
