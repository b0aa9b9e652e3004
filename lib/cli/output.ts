/** Writes to standard output and standard error, and waits until the reader has taken everything. */

import { writeSync } from "node:fs";
import { encodeUtf8 } from "../base/bytes.ts";
import { messageOf } from "../base/errors.ts";

/** Standard output cannot be written, perhaps because its disk is full. */
export class OutputError extends Error {}

/** Writes some of the bytes, and returns how many: `writeSync` of `node:fs`. */
type WriteSome = (descriptor: number, bytes: Uint8Array) => number;

/** Time until a full pipe is tried again. */
const FULL_MS = 5;

/**
 * Writes the text to standard output (1) or standard error (2); throws an `OutputError` if standard output cannot be
 * written. Not through `process.stdout`: on Bun 1.4.4, its first use takes twice as long as everything else that
 * `adit version` does.
 */
export function writeText(descriptor: 1 | 2, text: string, writeSome: WriteSome = writeSync): void {
  let rest = encodeUtf8(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSome(descriptor, rest));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // The reader has closed the pipe.
      if (code === "EPIPE") return;
      if (code === "EAGAIN") {
        // A full pipe that another program has set not to block.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_MS);
      } else if (descriptor === 1) {
        throw new OutputError(`Cannot write the output: ${messageOf(error)}`);
      } else {
        // There is nowhere left to report it.
        return;
      }
    }
  }
}
