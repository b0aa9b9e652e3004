/** Output to pipes that are full, closed or broken. */

import { deepEqual, equal, throws } from "node:assert/strict";
import { OutputError, writeText } from "../../lib/cli/output.ts";

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: it failed`), { code });
}

/** The text that arrives after these failures, if each write takes three bytes. */
function written(failures: readonly string[], descriptor: 1 | 2 = 1): string {
  const left = [...failures];
  let arrived = "";
  writeText(descriptor, "Grüße\n", (_descriptor, bytes) => {
    const code = left.shift();
    if (code !== undefined) throw failure(code);
    arrived += String.fromCharCode(...bytes.subarray(0, 3));
    return Math.min(3, bytes.length);
  });
  return new TextDecoder().decode(Uint8Array.from(arrived, (char) => char.charCodeAt(0)));
}

Deno.test("all bytes are written, also to a pipe that is full and does not block", () => {
  equal(written([]), "Grüße\n");
  equal(written(["EAGAIN", "EAGAIN"]), "Grüße\n");
});

Deno.test("output is dropped after the reader has closed the pipe", () => {
  equal(written(["EPIPE"]), "");
  equal(written(["EPIPE"], 2), "");
});

Deno.test("standard output that cannot be written is an error, standard error is not", () => {
  throws(
    () => written(["ENOSPC"]),
    (error) => error instanceof OutputError && error.message === "Cannot write the output: ENOSPC: it failed",
  );
  deepEqual(written(["ENOSPC"], 2), "");
});
