/** The framing of `application/vnd.amazon.eventstream`: bytes to frames and back. */

import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { concat, decodeUtf8, EMPTY, encodeUtf8 } from "../base/bytes.ts";

/**
 * The value of a header. The wire's 8, 16 and 32 bit integers are numbers, its 64 bit integer is a bigint, and a
 * timestamp (milliseconds) is a `Date`. Bedrock itself only sends strings.
 */
export type HeaderValue = string | boolean | number | bigint | Uint8Array | Date | { readonly uuid: string };

export interface Frame {
  readonly headers: ReadonlyMap<string, HeaderValue>;
  /** A view of the chunk if the frame arrived in one piece; copy whatever must outlive the chunk. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export type EventStreamReason =
  | "prelude_crc"
  | "message_crc"
  | "length"
  | "header"
  | "too_large"
  | "truncated";

/** Bytes that are not an event stream; nothing after them can be read. */
export class EventStreamError extends Error {
  override readonly name = "EventStreamError";

  constructor(readonly reason: EventStreamReason, problem: string) {
    super(`Cannot decode event stream: ${problem}`);
  }
}

export interface FrameDecoderOptions {
  /** Maximum size of a frame, including prelude and checksums; checked before the frame is buffered. */
  readonly maxFrameBytes?: number;
}

/** Total length, headers length and the checksum of both: each an unsigned 32 bit integer, big-endian. */
const PRELUDE_BYTES = 12;
const PRELUDE_CRC_AT = 8;
const MESSAGE_CRC_BYTES = 4;
const OVERHEAD_BYTES = PRELUDE_BYTES + MESSAGE_CRC_BYTES;
/** Generous: Bedrock limits the payload of one event to 1 MB before base64. */
const DEFAULT_MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** AWS's parsers read the length of strings and bytes as a signed 16 bit integer. */
const MAX_SIZED_BYTES = 32_767;

/**
 * Decodes frames from chunks that may be split anywhere. A frame contained in one chunk is not copied; any other is
 * copied once.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #readHeaders = headerReader();
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

  /** Bytes received that are not part of a returned frame: those of an unfinished or invalid frame. */
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

  /** The total length from the prelude, after verifying the prelude's checksum. */
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
    // Continues the running checksum after the prelude, whose own checksum has already been verified.
    const crc = crc32(
      bytes.subarray(offset + PRELUDE_CRC_AT, crcAt),
      readUint32(bytes, offset + PRELUDE_CRC_AT),
    );
    if (crc !== readUint32(bytes, crcAt)) {
      throw new EventStreamError("message_crc", "the checksum of a frame is wrong");
    }
    const payloadAt = offset + PRELUDE_BYTES + readUint32(bytes, offset + 4);
    const headers = this.#readHeaders(bytes, offset + PRELUDE_BYTES, payloadAt);
    this.#decoded += total;
    return { headers, payload: bytes.subarray(payloadAt, crcAt) };
  }
}

/**
 * Encodes one frame with its checksums; numbers become 32 bit integers, and strings and bytes are limited to 32767
 * bytes.
 */
export function encodeFrame(
  headers: Iterable<readonly [string, HeaderValue]> | Readonly<Record<string, string>>,
  payload: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const entries = Symbol.iterator in headers ? headers : Object.entries(headers);
  const block = concat([...entries].flatMap(([name, value]) => encodeHeader(name, value)));
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

/** For eight bytes, calling zlib's `crc32` is slower than a table. */
function preludeCrc(bytes: Uint8Array<ArrayBuffer>, offset: number): number {
  let crc = -1;
  for (let at = offset; at < offset + PRELUDE_CRC_AT; at++) {
    crc = CRC_TABLE[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

type Headers = ReadonlyMap<string, HeaderValue>;

/**
 * Reads header blocks, and remembers the last one: the deltas that make up most of a stream carry the very same
 * bytes, so that comparing them is cheaper than decoding them again.
 */
function headerReader(): (bytes: Uint8Array<ArrayBuffer>, from: number, to: number) => Headers {
  let lastBlock: Uint8Array<ArrayBuffer> = EMPTY;
  let lastHeaders: Headers = new Map();
  return (bytes, from, to) => {
    if (!isAt(bytes, from, to, lastBlock)) {
      const block = bytes.slice(from, to);
      lastHeaders = headersOf(block);
      lastBlock = block;
    }
    return lastHeaders;
  };
}

/** The headers of the blocks seen last, by their bytes: all streams repeat the same few. */
const KNOWN_BLOCKS = new Map<string, Headers>();
const MAX_KNOWN_BLOCKS = 64;
const MAX_KNOWN_BLOCK_BYTES = 256;

function headersOf(block: Uint8Array<ArrayBuffer>): Headers {
  if (block.length > MAX_KNOWN_BLOCK_BYTES) return decodeHeaders(block);
  const key = Buffer.from(block.buffer, block.byteOffset, block.length).toString("latin1");
  let headers = KNOWN_BLOCKS.get(key);
  if (headers === undefined) {
    headers = decodeHeaders(block);
    if (KNOWN_BLOCKS.size === MAX_KNOWN_BLOCKS) KNOWN_BLOCKS.clear();
    KNOWN_BLOCKS.set(key, headers);
  }
  return headers;
}

/** Whether `block` is what stands in `bytes` there. */
function isAt(bytes: Uint8Array, from: number, to: number, block: Uint8Array): boolean {
  if (block.length !== to - from) return false;
  for (let at = 0; at < block.length; at++) {
    if (bytes[from + at] !== block[at]) return false;
  }
  return true;
}

/** One type of header value: its size in bytes, unless a 16 bit length says it, and how it is read. */
interface ValueType {
  readonly size: number | "prefixed";
  readonly read: (view: DataView<ArrayBuffer>) => HeaderValue;
}

/** The types by their number on the wire. */
const VALUE_TYPES: readonly ValueType[] = [
  { size: 0, read: () => true },
  { size: 0, read: () => false },
  { size: 1, read: (view) => view.getInt8(0) },
  { size: 2, read: (view) => view.getInt16(0) },
  { size: 4, read: (view) => view.getInt32(0) },
  { size: 8, read: (view) => view.getBigInt64(0) },
  { size: "prefixed", read: (view) => bytesOf(view).slice() },
  { size: "prefixed", read: (view) => decodeUtf8(bytesOf(view)) },
  { size: 8, read: (view) => new Date(Number(view.getBigInt64(0))) },
  { size: 16, read: (view) => ({ uuid: formatUuid(bytesOf(view)) }) },
];

function decodeHeaders(block: Uint8Array<ArrayBuffer>): Headers {
  const view = viewOf(block, 0, block.length);
  const headers = new Map<string, HeaderValue>();
  let at = 0;
  function take(size: number): number {
    const from = at;
    at += size;
    if (at > block.length) throw new EventStreamError("header", "a header runs past the end of its frame");
    return from;
  }
  while (at < block.length) {
    const nameLength = view.getUint8(take(1));
    if (nameLength === 0) throw new EventStreamError("header", "a header has no name");
    const nameFrom = take(nameLength);
    const name = decodeUtf8(block.subarray(nameFrom, at));
    const number = view.getUint8(take(1));
    const type = VALUE_TYPES[number];
    if (type === undefined) throw new EventStreamError("header", `a header has the unknown type ${number}`);
    const size = type.size === "prefixed" ? view.getUint16(take(2)) : type.size;
    headers.set(name, type.read(viewOf(block, take(size), size)));
  }
  return headers;
}

function viewOf(bytes: Uint8Array<ArrayBuffer>, from: number, size: number): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer, bytes.byteOffset + from, size);
}

function bytesOf(view: DataView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function encodeHeader(name: string, value: HeaderValue): Uint8Array<ArrayBuffer>[] {
  const nameBytes = encodeUtf8(name);
  if (nameBytes.length === 0 || nameBytes.length > 255) {
    throw new RangeError(
      `Cannot encode header "${name}": its name is not 1 to 255 bytes: ${nameBytes.length}`,
    );
  }
  return [Uint8Array.of(nameBytes.length), nameBytes, ...encodeValue(name, value)];
}

function encodeValue(name: string, value: HeaderValue): Uint8Array<ArrayBuffer>[] {
  if (typeof value === "string") return encodeSized(name, 7, encodeUtf8(value));
  if (typeof value === "boolean") return [Uint8Array.of(value ? 0 : 1)];
  if (typeof value === "number") return encodeFixed(4, 4, (view) => view.setInt32(0, value));
  if (typeof value === "bigint") return encodeFixed(5, 8, (view) => view.setBigInt64(0, value));
  if (value instanceof Uint8Array) return encodeSized(name, 6, value.slice());
  if (value instanceof Date) return encodeFixed(8, 8, (view) => view.setBigInt64(0, BigInt(value.getTime())));
  return [Uint8Array.of(9), Uint8Array.from(Buffer.from(value.uuid.replaceAll("-", ""), "hex"))];
}

function encodeSized(name: string, type: number, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  if (bytes.length > MAX_SIZED_BYTES) {
    throw new RangeError(
      `Cannot encode header "${name}": its value exceeds ${MAX_SIZED_BYTES} bytes: ${bytes.length}`,
    );
  }
  return [Uint8Array.of(type, bytes.length >> 8, bytes.length & 0xff), bytes];
}

function encodeFixed(
  type: number,
  size: number,
  write: (view: DataView) => void,
): Uint8Array<ArrayBuffer>[] {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return [Uint8Array.of(type), bytes];
}

function formatUuid(bytes: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(bytes).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
