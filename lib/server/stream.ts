/**
 * Turns a source of bytes into a streaming response body: back-pressure, pings while idle, an error at the end.
 */

import type { Deadline, TimerWheel } from "../base/clock.ts";
import { AditError, toAditError } from "../base/errors.ts";

export interface ByteSource {
  /** The next bytes to send, or undefined after the last. Throws an AditError if the response broke off. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** What to send after `next` threw: the error in the caller's dialect. */
  failure(error: AditError): Uint8Array<ArrayBuffer>;
  /** Makes what to send while idle; undefined if the dialect has no ping. */
  readonly ping: (() => Uint8Array<ArrayBuffer>) | undefined;
}

/** The request that a body belongs to. */
export interface StreamedCall {
  /** Stops the upstream's work: the next read fails with the error. */
  end(error: AditError): void;
  /** Registers a callback for the request's deadline. */
  onOverdue(callback: () => void): void;
  /** Records bytes of the response that are about to be sent. */
  wrote(bytes: number): void;
  /** Called once, when the last byte has been sent or never will be. */
  settle(error?: AditError): void;
}

export interface StreamOptions {
  readonly timers: TimerWheel;
  /** Time without data after which a ping is sent; 0 disables pings. */
  readonly keepaliveMs: number;
}

/**
 * A body that requests more from its source only after the client has consumed what there was. However it ends, the
 * call is settled; if the client leaves, the call is ended and the upstream's work stopped.
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
    const ping = source.ping?.bind(source);
    if (ping === undefined || keepaliveMs === 0) return;
    silence = timers.after(keepaliveMs, () => {
      // A client that does not read has missed nothing, and pings must not fill its queue.
      if (isWaiting && controller.desiredSize === 0) controller.enqueue(ping());
      watchSilence(controller);
    });
  }

  function finish(error?: AditError): void {
    isOpen = false;
    silence?.cancel();
    call.settle(error);
  }

  /** Ends the upstream's work because nobody reads the result. */
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
        // A pending read fails by itself; a client that does not read has to be given up on.
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
        call.wrote(bytes.length);
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
