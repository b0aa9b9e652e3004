/** Identifiers: unguessable if they are secrets, otherwise just unique. */

import { randomBytes } from "node:crypto";

/** Random bytes for 256 ids are generated together, which takes a tenth of the time. */
const POOL_BYTES = 4096;
const ID_DIGITS = 32;

/** Hexadecimal digits for the next ids, and the number used. */
let pool = "";
let used = 0;

/** 128 random bits in hexadecimal. */
function randomDigits(): string {
  if (used === pool.length) {
    pool = randomBytes(POOL_BYTES).toString("hex");
    used = 0;
  }
  return pool.slice(used, used += ID_DIGITS);
}

/** Digits of the time: 48 bits of milliseconds. */
const TIME_DIGITS = 12;

/** The last time formatted, which many ids share. */
let lastMs = NaN;
let lastTime = "";

function timeDigits(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    lastTime = Math.floor(nowMs).toString(16).padStart(TIME_DIGITS, "0");
  }
  return lastTime;
}

/**
 * A new request id, as sent in `x-request-id`: the time and 80 random bits. The time comes first so that an index of
 * ids grows at its end.
 */
export function newRequestId(nowMs: number): string {
  return `req_${timeDigits(nowMs)}${randomDigits().slice(TIME_DIGITS)}`;
}

/** A new chat completion id in OpenAI's form. */
export function newCompletionId(): string {
  return `chatcmpl-${randomDigits()}`;
}

/** A new response id in OpenAI's form. */
export function newResponseId(): string {
  return `resp_${randomDigits()}`;
}

/** A new message id in Anthropic's form. */
export function newMessageId(): string {
  return `msg_${randomDigits()}`;
}

/** A caller key with 256 random bits and a prefix that secret scanners recognise. */
export function newCallerKey(): string {
  return `adit_${randomBytes(32).toString("base64url")}`;
}

/** A random number from 0 (inclusive) to 1 (exclusive), for choices and spreading load, never for secrets. */
export function randomFraction(): number {
  return Math.random();
}
