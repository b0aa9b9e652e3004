/** Where the parts of a configuration stand, in whichever of its files. */

import type { Path, Problem } from "../../base/problems.ts";

/** Line and file of a value. */
export interface Place {
  /** As messages name it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface Places {
  /** How messages name the file that everything starts from. */
  readonly file: string;
  /** A problem of the value at the path or, where there is none, of the nearest key above it. */
  problem(path: Path, message: string): Problem;
  /** A problem of the last key of the path rather than of its value. */
  problemOfKey(path: Path, message: string): Problem;
  /** The first reference in the text at the path, such as `${env:PORT}`: the value is not from this file, then. */
  referenceAt(path: Path): string | undefined;
  /** Whether the text at the path is nothing but references, without a default that might be a secret. */
  isAllReferencesAt(path: Path): boolean;
  /**
   * Whether a text at the path or below it refers to a file or a credential. What those hold may be a secret wherever it
   * is used; variables of the environment are ordinary settings, too.
   */
  readsSecretAt(path: Path): boolean;
  /** Keys of the mapping at the path, in the order in which they are written; none if there is no mapping. */
  keysAt(path: Path): readonly string[];
  /** Where the value at the path is written; undefined where it is not. */
  placeOf(path: Path): Place | undefined;
}
