/** Turns a source of bytes into the body of a streaming answer: back-pressure, pings in silence, an error at the end. */

import type { Deadline, TimerWheel } from "../base/clock.ts";
import { AditError, toAditError } from "../base/errors.ts";

export interface ByteSource {
  /** The next bytes to send, or undefined after the last. Throws an AditError when the answer broke off. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** What to send when `next` threw: the error in the caller's dialect. */
  failure(error: AditError): Uint8Array<ArrayBuffer>;
  /** What to send in silence; undefined where the dialect has nothing for it. */
  readonly ping: Uint8Array<ArrayBuffer> | undefined;
}

/** The request that a body answers. */
export interface StreamedCall {
  /** Stops the upstream's work: what is read next fails with the error. */
  end(error: AditError): void;
  /** Calls back when the request's deadline passes. */
  onOverdue(callback: () => void): void;
  /** Called once, when the last byte is sent or never will be. */
  settle(error?: AditError): void;
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
  call: StreamedCall,
  { timers, keepaliveMs }: StreamOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isOpen = true;
  let isWaiting = false;
  let silence: Deadline | undefined;

  function watchSilence(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): void {
    const { ping } = source;
    if (ping === undefined || keepaliveMs === 0) return;
    silence = timers.after(keepaliveMs, () => {
      // A client that does not read has not missed anything: its queue is not to grow by pings.
      if (isWaiting && controller.desiredSize === 0) controller.enqueue(ping);
      watchSilence(controller);
    });
  }

  function finish(error?: AditError): void {
    isOpen = false;
    silence?.cancel();
    call.settle(error);
  }

  /** Ends the upstream's work because nobody takes what it gives. */
  function abandon(): AditError {
    const gone = new AditError("client_gone");
    call.end(gone);
    finish(gone);
    return gone;
  }

  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      watchSilence(controller);
      call.onOverdue(() => {
        // What is waited for fails by itself; a client that does not read has to be given up.
        if (isOpen && !isWaiting) controller.error(abandon());
      });
    },
    async pull(controller) {
      isWaiting = true;
      let bytes: Uint8Array<ArrayBuffer> | undefined;
      let error: AditError | undefined;
      try {
        bytes = await source.next();
      } catch (cause) {
        error = toAditError(cause);
      }
      isWaiting = false;
      if (!isOpen) return;
      if (bytes !== undefined) {
        silence?.extend(keepaliveMs);
        controller.enqueue(bytes);
        return;
      }
      finish(error);
      if (error !== undefined && error.kind !== "client_gone") controller.enqueue(source.failure(error));
      controller.close();
    },
    cancel() {
      if (isOpen) abandon();
    },
  }, { highWaterMark: 0 });
}
