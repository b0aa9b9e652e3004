/**
 * Turns a source of bytes into a streaming response body: back-pressure, pings while idle, an error at the end.
 */

import type { Deadline, TimerWheel } from "../base/clock.ts";
import { AditError, toAditError } from "../base/errors.ts";

export interface ByteSource {
  /** The next bytes to send, or undefined after the last. Rejects with an AditError if the response broke off. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** What to send after `next` threw: the error in the caller's dialect. */
  failure(error: AditError): Uint8Array<ArrayBuffer>;
  /** Makes what to send while idle; undefined if the dialect has no ping. */
  readonly ping: (() => Uint8Array<ArrayBuffer>) | undefined;
  /** Whether the response is complete with what `next` has returned, although the upstream has not ended yet. */
  readonly isDelivered?: () => boolean;
}

/** The request that a body belongs to. */
export interface StreamedCall {
  /** Stops the upstream's work: the next read fails with the error. */
  end(error: AditError): void;
  /**
   * Called when the client has left. Either the upstream's work is stopped, or the callback of `onLeft` is called and
   * true returned.
   */
  leave(): boolean;
  /** Registers a callback for when the client has left and the response is to be read to its end all the same. */
  onLeft(callback: () => void): void;
  /** Called before `settle` if the response was read to its end for nobody. */
  drained(): void;
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
 * call is settled; if the client leaves, the upstream's work is stopped, or its result read to the end for the counts.
 */
export function streamBody(
  source: ByteSource,
  call: StreamedCall,
  { timers, keepaliveMs }: StreamOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isOpen = true;
  let isWaiting = false;
  let reading: Promise<Uint8Array<ArrayBuffer> | undefined> | undefined;
  let silence: Deadline | undefined;

  function watchSilence(): void {
    const ping = source.ping?.bind(source);
    if (ping === undefined || keepaliveMs === 0) return;
    silence = timers.after(keepaliveMs, () => {
      // A client that does not read has missed nothing, and pings must not fill its queue.
      if (isWaiting && controller.desiredSize === 0) controller.enqueue(ping());
      watchSilence();
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

  /** Reads the rest for nobody, as fast as it comes. */
  async function drain(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    const isDelivered = source.isDelivered?.() ?? false;
    silence?.cancel();
    try {
      // What is being read must have arrived before more can be.
      for (let bytes = await (reading ?? source.next()); bytes !== undefined; bytes = await source.next()) {
        call.wrote(bytes.length);
      }
      if (!isDelivered) call.drained();
    } catch {
      // The counts are estimated, as for any response that broke off.
    }
    call.settle(isDelivered ? undefined : new AditError("client_gone"));
  }

  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

  /** Sends what has been read. */
  function send(bytes: Uint8Array<ArrayBuffer> | undefined): void {
    isWaiting = false;
    reading = undefined;
    if (!isOpen) return;
    if (bytes === undefined) return close();
    silence?.extend(keepaliveMs);
    call.wrote(bytes.length);
    controller.enqueue(bytes);
  }

  /** Sends the error that broke the response off. */
  function fail(cause: unknown): void {
    isWaiting = false;
    reading = undefined;
    // Nothing that comes after the last event is part of the response.
    if (isOpen) close(source.isDelivered?.() ? undefined : toAditError(cause));
  }

  function close(error?: AditError): void {
    finish(error);
    if (error !== undefined && error.kind !== "client_gone") controller.enqueue(source.failure(error));
    controller.close();
  }

  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(own) {
      controller = own;
      watchSilence();
      call.onLeft(() => void drain());
      call.onOverdue(() => {
        // A pending read fails by itself; a client that does not read has to be given up on.
        if (isOpen && !isWaiting) controller.error(abandon());
      });
    },
    pull() {
      if (!isOpen) return controller.close();
      isWaiting = true;
      reading = source.next();
      return reading.then(send, fail);
    },
    cancel() {
      if (!isOpen) return;
      // Some clients leave with the last event, and do not wait for the end of the body.
      if (source.isDelivered?.()) return void drain();
      if (!call.leave()) finish(new AditError("client_gone"));
    },
  }, { highWaterMark: 0 });
}
