/**
 * Turns a byte source into a streaming response body with back-pressure, pings while idle, and errors in mid-stream.
 */

import type { Deadline, TimerWheel } from "../base/clock.ts";
import { AditError, toAditError } from "../base/errors.ts";

export interface ByteSource {
  /** The next bytes to send; undefined at the end. Rejects with an AditError if the response breaks off. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** The bytes to send after `next` rejected: the error in the caller's dialect. */
  failure(error: AditError): Uint8Array<ArrayBuffer>;
  /** The bytes to send while idle; undefined if the dialect has no ping. */
  readonly ping: (() => Uint8Array<ArrayBuffer>) | undefined;
  /** Whether `next` has returned the complete response, although the upstream has not ended yet. */
  readonly isDelivered?: () => boolean;
}

/** The request that a body belongs to. */
export interface StreamedCall {
  /** Stops the upstream's work: the next read fails with the error. */
  end(error: AditError): void;
  /**
   * Called when the client has left. Either stops the upstream's work, or calls the `onLeft` callback and returns true.
   */
  leave(): boolean;
  /** Registers a callback for when the client has left but the response must still be read to its end. */
  onLeft(callback: () => void): void;
  /** Called before `settle` if the response was read to its end after the client had left. */
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
 * A body that asks its source for more only after the client has consumed the previous bytes. The call is settled
 * however the body ends. If the client leaves, the upstream's work is stopped, or its result is read to the end for the
 * counts.
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

  /** Stops the upstream's work because nobody reads the result. */
  function abandon(): AditError {
    const gone = new AditError("client_gone");
    call.end(gone);
    finish(gone);
    return gone;
  }

  /** Reads and discards the rest. */
  async function drain(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    const isDelivered = source.isDelivered?.() ?? false;
    silence?.cancel();
    try {
      // A read may already be in progress.
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

  /** Sends the bytes that have been read. */
  function send(bytes: Uint8Array<ArrayBuffer> | undefined): void {
    isWaiting = false;
    reading = undefined;
    if (!isOpen) return;
    if (bytes === undefined) return close();
    silence?.extend(keepaliveMs);
    call.wrote(bytes.length);
    controller.enqueue(bytes);
  }

  /** Sends the error that cut the response short. */
  function fail(cause: unknown): void {
    isWaiting = false;
    reading = undefined;
    // After the last event, the response is complete whatever follows.
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
        // A pending read fails by itself; otherwise the client does not read, and its stream must be ended here.
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
      // Some clients leave after the last event without waiting for the end of the body.
      if (source.isDelivered?.()) return void drain();
      if (!call.leave()) finish(new AditError("client_gone"));
    },
  }, { highWaterMark: 0 });
}
