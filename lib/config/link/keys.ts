/** Keys in the configuration, which are hashes with an optional expiry; reports keys that are publicly known. */

import { sha256Hex } from "../../base/hash.ts";
import type { Path } from "../../base/problems.ts";
import type { CallerConfig } from "../schema/config_file.ts";
import { parseKeyHash } from "../schema/values.ts";
import type { LinkContext } from "./context.ts";

/** One of the keys of a caller. */
export interface LinkedKey {
  readonly path: Path;
  /** Lowercase hexadecimal digits. */
  readonly hash: string;
  /** Milliseconds since the Unix epoch from which the key is refused, if it expires before its caller. */
  readonly expiresAtMs: number | undefined;
}

/** The keys of a caller, in file order. */
export function linkKeys(path: Path, entry: CallerConfig["key"]): readonly LinkedKey[] {
  if (entry === undefined) return [];
  const isList = Array.isArray(entry);
  return (isList ? entry : [entry]).map((key, index) => {
    const place = isList ? [...path, index] : path;
    return typeof key === "string"
      ? { path: place, hash: parseKeyHash(key), expiresAtMs: undefined }
      : { path: [...place, "hash"], hash: parseKeyHash(key.hash), expiresAtMs: key.expires };
  });
}

/** The hash of an unset variable or an empty file. */
const EMPTY_KEYS: ReadonlySet<string> = new Set(["", "\n", "\r\n", " ", "\0", '""', "''"].map(sha256Hex));

/** The key of the sample configuration, which is public. */
export const DEMO_KEY_HASH: string = sha256Hex("adit-demo-key");

/** Keys of examples, and an attacker's first guesses. */
const GUESSABLE_KEYS: ReadonlySet<string> = new Set(
  ["admin", "adit", "changeme", "key", "password", "secret", "sk-1234", "test", "undefined", "null"].map(
    sha256Hex,
  ),
);

/** Reports the hash of an empty or publicly known key. */
export function checkKeyHash(path: Path, hash: string, context: LinkContext): void {
  if (EMPTY_KEYS.has(hash)) {
    context.fail(path, 'this is the hash of an empty key; run "adit keygen" to create one');
  } else if (GUESSABLE_KEYS.has(hash)) {
    context.warn(path, 'this is the hash of a key that is easy to guess; run "adit keygen" to create one');
  }
}
