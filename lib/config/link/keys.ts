/** Keys as the configuration holds them: hashes, each perhaps with an end, and none of a key that anybody can guess. */

import { sha256Hex } from "../../base/hash.ts";
import type { Path } from "../../base/problems.ts";
import type { CallerConfig } from "../schema/config_file.ts";
import { parseKeyHash } from "../schema/values.ts";
import type { LinkContext } from "./context.ts";

/** One of the keys of a caller. */
export interface LinkedKey {
  readonly path: Path;
  /** Hexadecimal digits in lower case. */
  readonly hash: string;
  /** Milliseconds since the Unix epoch from which the key is refused, where it ends before its caller does. */
  readonly expiresAtMs: number | undefined;
}

/** The keys of a caller, in the order of the file. */
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

/** What comes out of hashing a variable that is not set or a file that is empty. */
const EMPTY_KEYS: ReadonlySet<string> = new Set(["", "\n", "\r\n", " ", "\0", '""', "''"].map(sha256Hex));

/** The demo configuration's, which everybody can read. */
export const DEMO_KEY_HASH: string = sha256Hex("adit-demo-key");

/** Keys of examples, and what is tried first by whoever guesses. */
const GUESSABLE_KEYS: ReadonlySet<string> = new Set(
  ["admin", "adit", "changeme", "key", "password", "secret", "sk-1234", "test", "undefined", "null"].map(
    sha256Hex,
  ),
);

/** Notes a hash that keeps nobody out: of no key at all, or of one that others know. */
export function checkKeyHash(path: Path, hash: string, context: LinkContext): void {
  if (EMPTY_KEYS.has(hash)) {
    context.fail(path, 'this is the hash of an empty key, which everybody has: "adit keygen" makes one');
  } else if (GUESSABLE_KEYS.has(hash)) {
    context.warn(path, 'this is the hash of a word that anybody can guess: "adit keygen" makes a key');
  }
}
