/** Turns a source of bytes into the body of a streaming answer: back-pressure, pings in silence, an error at the end. */

import type { Deadline, TimerWheel } from "../base/clock.ts";
import { AditError, toAditError } from "../base/errors.ts";
import type { Call } from "./call.ts";

export interface ByteSource {
  /** The next bytes to send, or undefined after the last. Throws an AditError when the answer broke off. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** What to send when `next` threw: the error in the caller's dialect. */
  failure(error: AditError): Uint8Array<ArrayBuffer>;
  /** What to send in silence; undefined where the dialect has nothing for it. */
  readonly ping: Uint8Array<ArrayBuffer> | undefined;
}

export interface StreamOptions {
  readonly timers: TimerWheel;
  /** Silence after which a ping is sent; 0 sends none. */
  readonly keepaliveMs: number;
}

/**
 * A body that asks its source for more only when the client has taken what there was. However it ends, the call is
 * settled; when the client leaves, the call is ended, and with it the upstream's work.
 */
export function streamBody(
  source: ByteSource,
  call: Call,
  { timers, keepaliveMs }: StreamOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let silence: Deadline | undefined;
  let waiting = false;

  function watchSilence(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): void {
    const { ping } = source;
    if (ping === undefined || keepaliveMs === 0) return;
    silence = timers.after(keepaliveMs, () => {
      // A client that does not read has not missed anything: its queue is not to grow by pings.
      if (waiting && controller.desiredSize === 0) controller.enqueue(ping);
      watchSilence(controller);
    });
  }

  function finish(
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
    error?: AditError,
  ): void {
    silence?.cancel();
    controller.close();
    call.settle(error);
  }

  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: watchSilence,
    async pull(controller) {
      waiting = true;
      let bytes: Uint8Array<ArrayBuffer> | undefined;
      try {
        bytes = await source.next();
      } catch (cause) {
        const error = toAditError(cause);
        if (error.kind !== "client_gone") controller.enqueue(source.failure(error));
        return finish(controller, error);
      }
      waiting = false;
      silence?.extend(keepaliveMs);
      if (bytes === undefined) return finish(controller);
      controller.enqueue(bytes);
    },
    cancel() {
      silence?.cancel();
      const gone = new AditError("client_gone");
      call.end(gone);
      call.settle(gone);
    },
  }, { highWaterMark: 0 });
}
