/** Names of callers and teams in the form that AWS accepts for sessions of a role: safe, and without collisions. */

import { sha256Hex } from "../../base/hash.ts";

/** AssumeRole's `RoleSessionName`: 2 to 64 characters. */
export function sessionName(text: string): string {
  return safe(text, { invalid: /[^\w+=,.@-]/g, min: 2, max: 64 });
}

/** The value of a session tag: up to 256 characters, counted as AWS counts them. */
export function tagValue(text: string): string {
  return safe(text, { invalid: /[^\p{L}\p{Z}\p{N}_.:/=+@-]/gu, min: 0, max: 256 });
}

interface Form {
  readonly invalid: RegExp;
  readonly min: number;
  readonly max: number;
}

/** Hexadecimal digits of the hash that keeps changed texts distinct. */
const HASH_DIGITS = 16;

function safe(text: string, { invalid, min, max }: Form): string {
  const replaced = text.replace(invalid, "-");
  if (replaced === text && text.length >= min && text.length <= max) return text;
  const hash = sha256Hex(text).slice(0, HASH_DIGITS);
  const room = max - HASH_DIGITS - 1;
  // Half a character at the end would be invalid again.
  const cut = replaced.slice(0, room).replace(/[\uD800-\uDBFF]$/, "");
  return `${cut}-${hash}`;
}
