/** Positions of the configuration's values, in any of its files. */

import type { Path, Problem } from "../../base/problems.ts";

/** File and line of a value. */
export interface SourcePosition {
  /** Name for messages. */
  readonly file: string;
  /** Starts at 1. */
  readonly line: number;
}

export interface SourceMap {
  /** Name of the main file for messages. */
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
   * is used, while environment variables also contain ordinary settings.
   */
  readsSecretAt(path: Path): boolean;
  /** Keys of the mapping at the path, in file order; empty if there is no mapping. */
  keysAt(path: Path): readonly string[];
  /** The file that contains the value at the path; undefined if there is no value. */
  fileOf(path: Path): string | undefined;
  /** The position of the value at the path; undefined if there is no value. */
  placeOf(path: Path): SourcePosition | undefined;
}
