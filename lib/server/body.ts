/** Reads request bodies, limited in size and time. */

import { concat, EMPTY, MAX_ONE_PIECE_BYTES } from "../base/bytes.ts";
import type { Deadline, TimerWheel } from "../base/clock.ts";
import { AditError } from "../base/errors.ts";

export interface BodyBounds {
  readonly maxBytes: number;
  /** Maximum time for the next bytes to arrive. */
  readonly idleMs: number;
  /** Maximum time for the whole body. */
  readonly totalMs: number;
  readonly timers: TimerWheel;
  /** Called with the number of bytes before they are buffered; may throw. */
  readonly onBytes?: (bytes: number) => void;
}

/** Maximum size of a body of known length that is read in one piece, if its bytes are not counted. */
const MAX_REQUEST_PIECE_BYTES = 1024 * 1024;

/** Pauses within one piece cannot be seen, so a body may take `idleMs` plus its transfer time at this rate. */
const SLOWEST_BYTES_PER_MS = 8;

/** The request's body. Throws `body_too_large`, `request_timeout` or `client_gone`. */
export async function readBody(request: Request, bounds: BodyBounds): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes, idleMs, totalMs, timers, onBytes } = bounds;
  // Both runtimes end a request whose body is longer than announced.
  const declared = Number(request.headers.get("content-length") ?? NaN);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const isOnePiece = declared <= (onBytes === undefined ? MAX_REQUEST_PIECE_BYTES : MAX_ONE_PIECE_BYTES);
  if (isOnePiece) onBytes?.(declared);
  // Does not touch `body`, which would create a stream.
  const reader = isOnePiece ? undefined : request.body?.getReader();
  if (!isOnePiece && reader === undefined) return EMPTY;
  const firstMs = isOnePiece ? idleMs + declared / SLOWEST_BYTES_PER_MS : idleMs;
  let deadline: Deadline | undefined;
  try {
    return await new Promise((resolve, reject) => {
      deadline = timers.after(
        Math.min(firstMs, totalMs),
        () => reject(new AditError("request_timeout")),
      );
      const whole = reader === undefined ? request.bytes() : readChunks(reader, { ...bounds, deadline });
      whole.then(resolve, reject);
    });
  } catch (cause) {
    reader?.cancel().catch(() => {});
    throw cause instanceof AditError ? cause : new AditError("client_gone", undefined, { cause });
  } finally {
    deadline?.cancel();
  }
}

/** Each chunk extends the deadline. */
async function readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  { maxBytes, idleMs, totalMs, timers: { clock }, onBytes, deadline }: BodyBounds & {
    readonly deadline: Deadline;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const endsMs = clock.monotonic() + totalMs;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concat(chunks, total);
    total += value.length;
    if (total > maxBytes) throw tooLarge(maxBytes);
    onBytes?.(value.length);
    chunks.push(value);
    deadline.extend(Math.min(idleMs, endsMs - clock.monotonic()));
  }
}

/**
 * Cancels an unread body. Deno 2.9.6 closes the connection after a request whose body was neither read nor cancelled,
 * and the client's next request on it is lost.
 */
export function discardBody(request: Request): void {
  request.body?.cancel().catch(() => {});
}

function tooLarge(maxBytes: number): AditError {
  return new AditError("body_too_large", `the request body exceeds the limit of ${maxBytes} bytes`);
}
