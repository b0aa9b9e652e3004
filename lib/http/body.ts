/** Reads request bodies, bounded in size and time. */

import { concat, EMPTY } from "../base/bytes.ts";
import type { TimerWheel } from "../base/clock.ts";
import { AditError } from "../base/errors.ts";

export interface BodyBounds {
  readonly maxBytes: number;
  /** For the whole body to arrive. */
  readonly withinMs: number;
  readonly timers: TimerWheel;
}

/** The request's body. Throws `body_too_large`, `request_timeout` or `client_gone`. */
export async function readBody(
  request: Request,
  { maxBytes, withinMs, timers }: BodyBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  const reader = request.body?.getReader();
  if (reader === undefined) return EMPTY;
  let late = false;
  const deadline = timers.after(withinMs, () => {
    late = true;
    reader.cancel().catch(() => {});
  });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let total = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) throw new AditError("request_timeout");
      if (done) return concat(chunks, total);
      total += value.length;
      if (total > maxBytes) {
        reader.cancel().catch(() => {});
        throw tooLarge(maxBytes);
      }
      chunks.push(value);
    }
  } catch (cause) {
    throw cause instanceof AditError ? cause : new AditError("client_gone", undefined, { cause });
  } finally {
    deadline.cancel();
  }
}

/**
 * Lets go of a body that nobody will read, if it is not being read. Deno 2.9.6 closes the connection behind an answer to a
 * request whose body was neither read nor cancelled, and the client's next request on it is lost.
 */
export function discardBody(request: Request): void {
  request.body?.cancel().catch(() => {});
}

function tooLarge(maxBytes: number): AditError {
  return new AditError("body_too_large", `the request body is larger than ${maxBytes} bytes, the limit here`);
}
