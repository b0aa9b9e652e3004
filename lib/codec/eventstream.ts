/** Decodes and encodes the frames of `application/vnd.amazon.eventstream`. */

import { crc32 } from "node:zlib";
import { EMPTY } from "../base/bytes.ts";
import { EventStreamError } from "./eventstream_error.ts";
import { encodeHeaders, HeaderReader, type Headers, type HeadersInit } from "./eventstream_headers.ts";

export { EventStreamError, type EventStreamReason } from "./eventstream_error.ts";
export type { HeaderValue } from "./eventstream_headers.ts";

export interface Frame {
  readonly headers: Headers;
  /** A view of the chunk if the frame arrived in one piece; copy it if it must outlive the chunk. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export interface FrameDecoderOptions {
  /** Maximum size of a frame, including prelude and checksums; checked before the frame is buffered. */
  readonly maxFrameBytes?: number;
}

/** The total length, the length of the headers, and a checksum of both: unsigned 32-bit integers, big-endian. */
const PRELUDE_BYTES = 12;
const PRELUDE_CRC_AT = 8;
const MESSAGE_CRC_BYTES = 4;
const OVERHEAD_BYTES = PRELUDE_BYTES + MESSAGE_CRC_BYTES;
/** Generous: Bedrock limits the payload of one event to 1 MB before base64. */
const DEFAULT_MAX_FRAME_BYTES = 16 * 1024 * 1024;

/**
 * Decodes frames from chunks that may be split anywhere. A frame contained in one chunk is not copied; any other is
 * copied once.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #headers = new HeaderReader();
  /** The unfinished frame: `#held` bytes, in a buffer of the frame's size once the prelude is known. */
  #partial: Uint8Array<ArrayBuffer> = EMPTY;
  #held = 0;
  #received = 0;
  /** Total bytes of the frames returned so far. */
  #decoded = 0;
  #failure: EventStreamError | undefined;

  constructor(options: FrameDecoderOptions = {}) {
    this.#maxFrameBytes = options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
  }

  /** Bytes received that belong to no returned frame, but to an unfinished or invalid one. */
  get pendingBytes(): number {
    return this.#received - this.#decoded;
  }

  /**
   * Returns the frames that these bytes complete. Throws `EventStreamError` on invalid bytes; valid frames before
   * them are returned first, and the next `push` or `end` throws.
   */
  push(chunk: Uint8Array<ArrayBuffer>): Frame[] {
    if (this.#failure !== undefined) throw this.#failure;
    const frames: Frame[] = [];
    this.#received += chunk.length;
    try {
      this.#decode(chunk, frames);
    } catch (error) {
      if (!(error instanceof EventStreamError)) throw error;
      this.#failure = error;
      this.#partial = EMPTY;
      if (frames.length === 0) throw error;
    }
    return frames;
  }

  /** Throws `EventStreamError` if the stream ends inside a frame or was invalid. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#held > 0) {
      throw new EventStreamError("truncated", `it ended ${this.#held} bytes into a frame`);
    }
  }

  #decode(chunk: Uint8Array<ArrayBuffer>, frames: Frame[]): void {
    let offset = 0;
    while (this.#held > 0 && offset < chunk.length) offset = this.#resume(chunk, offset, frames);
    while (chunk.length - offset >= PRELUDE_BYTES) {
      const total = this.#frameLength(chunk, offset);
      if (total > chunk.length - offset) {
        this.#partial = new Uint8Array(total);
        break;
      }
      frames.push(this.#frame(chunk, offset, total));
      offset += total;
    }
    if (offset < chunk.length) {
      if (this.#partial.length === 0) this.#partial = new Uint8Array(PRELUDE_BYTES);
      this.#hold(chunk, offset);
    }
  }

  /** Appends to the unfinished frame, and returns the offset in the chunk where the frame's bytes end. */
  #resume(chunk: Uint8Array<ArrayBuffer>, from: number, frames: Frame[]): number {
    const offset = this.#hold(chunk, from);
    if (this.#held < this.#partial.length) return offset;
    const total = this.#frameLength(this.#partial, 0);
    if (this.#held < total) {
      const whole = new Uint8Array(total);
      whole.set(this.#partial);
      this.#partial = whole;
    } else {
      const whole = this.#partial;
      this.#partial = EMPTY;
      this.#held = 0;
      frames.push(this.#frame(whole, 0, total));
    }
    return offset;
  }

  #hold(chunk: Uint8Array<ArrayBuffer>, from: number): number {
    const to = Math.min(chunk.length, from + this.#partial.length - this.#held);
    this.#partial.set(chunk.subarray(from, to), this.#held);
    this.#held += to - from;
    return to;
  }

  /** Verifies the prelude's checksum, and returns the frame's total length. */
  #frameLength(bytes: Uint8Array<ArrayBuffer>, offset: number): number {
    if (preludeCrc(bytes, offset) !== readUint32(bytes, offset + PRELUDE_CRC_AT)) {
      throw new EventStreamError("prelude_crc", "the checksum of a frame's prelude is wrong");
    }
    const total = readUint32(bytes, offset);
    const headers = readUint32(bytes, offset + 4);
    if (total < OVERHEAD_BYTES || headers > total - OVERHEAD_BYTES) {
      throw new EventStreamError(
        "length",
        `a frame of ${total} bytes cannot hold ${headers} bytes of headers`,
      );
    }
    if (total > this.#maxFrameBytes) {
      throw new EventStreamError(
        "too_large",
        `a frame of ${total} bytes exceeds ${this.#maxFrameBytes} bytes`,
      );
    }
    return total;
  }

  #frame(bytes: Uint8Array<ArrayBuffer>, offset: number, total: number): Frame {
    const crcAt = offset + total - MESSAGE_CRC_BYTES;
    // Continues from the checksum of the prelude, which has already been verified.
    const crc = crc32(
      bytes.subarray(offset + PRELUDE_CRC_AT, crcAt),
      readUint32(bytes, offset + PRELUDE_CRC_AT),
    );
    if (crc !== readUint32(bytes, crcAt)) {
      throw new EventStreamError("message_crc", "the checksum of a frame is wrong");
    }
    const payloadAt = offset + PRELUDE_BYTES + readUint32(bytes, offset + 4);
    const headers = this.#headers.read(bytes, offset + PRELUDE_BYTES, payloadAt);
    this.#decoded += total;
    return { headers, payload: bytes.subarray(payloadAt, crcAt) };
  }
}

/**
 * Encodes one frame with its checksums. Numbers become 32-bit integers; strings and bytes are limited to 32767 bytes.
 */
export function encodeFrame(
  headers: HeadersInit,
  payload: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const block = encodeHeaders(headers);
  const total = OVERHEAD_BYTES + block.length + payload.length;
  const frame = new Uint8Array(total);
  const view = new DataView(frame.buffer);
  view.setUint32(0, total);
  view.setUint32(4, block.length);
  view.setUint32(PRELUDE_CRC_AT, preludeCrc(frame, 0));
  frame.set(block, PRELUDE_BYTES);
  frame.set(payload, PRELUDE_BYTES + block.length);
  view.setUint32(total - MESSAGE_CRC_BYTES, crc32(frame.subarray(0, total - MESSAGE_CRC_BYTES)));
  return frame;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** CRC-32 of each byte: https://www.w3.org/TR/png/#D-CRCAppendix */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** Computed with a table, as a call of zlib's `crc32` is slower for eight bytes. */
function preludeCrc(bytes: Uint8Array<ArrayBuffer>, offset: number): number {
  let crc = -1;
  for (let at = offset; at < offset + PRELUDE_CRC_AT; at++) {
    crc = CRC_TABLE[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
