/** Positions of the configuration's values, in any of its files. */

import type { Path, Problem } from "../../base/problems.ts";

/** File and line of a value. */
export interface SourcePosition {
  /** As shown in messages. */
  readonly file: string;
  /** Starts at 1. */
  readonly line: number;
}

export interface SourceMap {
  /** The main file's name in messages. */
  readonly file: string;
  /** A problem with the value at the path or, if there is none, with the nearest key above it. */
  problem(path: Path, message: string): Problem;
  /** A problem with the last key of the path rather than its value. */
  problemOfKey(path: Path, message: string): Problem;
  /**
   * The first reference in the string at the path, such as `${env:PORT}`; the value then comes from outside the file.
   */
  referenceAt(path: Path): string | undefined;
  /** Whether the string at the path consists only of references, without a default that might be a secret. */
  isAllReferencesAt(path: Path): boolean;
  /**
   * Whether a string at or below the path refers to a file or a credential. Their content may be a secret wherever it
   * is used; environment variables also hold ordinary settings.
   */
  readsSecretAt(path: Path): boolean;
  /** Keys of the mapping at the path, in file order; empty if there is no mapping. */
  keysAt(path: Path): readonly string[];
  /** The file in which the value at the path is written, as shown in messages; undefined if it is not. */
  fileOf(path: Path): string | undefined;
  /** Where the value at the path is written; undefined if it is not. */
  placeOf(path: Path): SourcePosition | undefined;
}
