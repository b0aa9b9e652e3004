/** Checks of Adit's errors. */

import { AditError, type ErrorKind } from "../../lib/base/errors.ts";

/** Whether what was thrown is an AditError of that kind; for `rejects` and `throws`. */
export function ofKind(kind: ErrorKind): (error: unknown) => boolean {
  return (error) => error instanceof AditError && error.kind === kind;
}
