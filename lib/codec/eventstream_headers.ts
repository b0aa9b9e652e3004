/** Decodes and encodes the headers of event stream frames. */

import { Buffer } from "node:buffer";
import { concat, decodeUtf8, EMPTY, encodeUtf8, latin1Text } from "../base/bytes.ts";
import { EventStreamError } from "./eventstream_error.ts";

/**
 * The value of a header. Integers of 8, 16 and 32 bits are numbers, those of 64 bits are bigints, and a timestamp (in
 * milliseconds) is a `Date`. Bedrock itself only sends strings.
 */
export type HeaderValue = string | boolean | number | bigint | Uint8Array | Date | { readonly uuid: string };

export type Headers = ReadonlyMap<string, HeaderValue>;

/** Headers to encode: names with values, or an object of strings. */
export type HeadersInit = Iterable<readonly [string, HeaderValue]> | Readonly<Record<string, string>>;

/** The type that precedes each value: https://smithy.io/2.0/aws/amazon-eventstream.html */
const WIRE_TYPE = {
  true: 0,
  false: 1,
  byte: 2,
  short: 3,
  integer: 4,
  long: 5,
  bytes: 6,
  string: 7,
  timestamp: 8,
  uuid: 9,
} as const;

type WireType = (typeof WIRE_TYPE)[keyof typeof WIRE_TYPE];

/** How to decode values of one type; `size` is in bytes, or `prefixed` if a 16-bit length precedes the value. */
interface ValueType {
  readonly size: number | "prefixed";
  readonly read: (view: DataView<ArrayBuffer>) => HeaderValue;
}

const VALUE_TYPES = {
  [WIRE_TYPE.true]: { size: 0, read: () => true },
  [WIRE_TYPE.false]: { size: 0, read: () => false },
  [WIRE_TYPE.byte]: { size: 1, read: (view) => view.getInt8(0) },
  [WIRE_TYPE.short]: { size: 2, read: (view) => view.getInt16(0) },
  [WIRE_TYPE.integer]: { size: 4, read: (view) => view.getInt32(0) },
  [WIRE_TYPE.long]: { size: 8, read: (view) => view.getBigInt64(0) },
  [WIRE_TYPE.bytes]: { size: "prefixed", read: (view) => bytesOf(view).slice() },
  [WIRE_TYPE.string]: { size: "prefixed", read: (view) => decodeUtf8(bytesOf(view)) },
  [WIRE_TYPE.timestamp]: { size: 8, read: (view) => new Date(Number(view.getBigInt64(0))) },
  [WIRE_TYPE.uuid]: { size: 16, read: (view) => ({ uuid: formatUuid(bytesOf(view)) }) },
} as const satisfies Record<WireType, ValueType>;

/** AWS's parsers read the length of strings and bytes as a signed 16-bit integer. */
const MAX_SIZED_BYTES = 32_767;

/** The headers of a frame, encoded and decoded. */
interface HeaderBlock {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Headers;
}

const NO_HEADERS: HeaderBlock = { bytes: EMPTY, headers: new Map() };

/**
 * Reads the headers of one stream. Most frames are deltas with identical headers: comparing a block with the last one
 * is cheaper than looking it up, which is cheaper than decoding it. Frames may share a headers object, but callers
 * cannot rely on it.
 */
export class HeaderReader {
  #last = NO_HEADERS;

  /** The headers in `bytes` between two offsets. Throws `EventStreamError`. */
  read(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): Headers {
    if (!isAt(bytes, from, to, this.#last.bytes)) this.#last = headerBlock(bytes.slice(from, to));
    return this.#last.headers;
  }
}

/** Whether the bytes at the offset equal `block`. */
function isAt(bytes: Uint8Array, from: number, to: number, block: Uint8Array): boolean {
  if (block.length !== to - from) return false;
  for (let at = 0; at < block.length; at++) {
    if (bytes[from + at] !== block[at]) return false;
  }
  return true;
}

/** Blocks by their bytes, as all streams repeat the same few. Only blocks of strings, which are immutable, are kept. */
const KNOWN_BLOCKS = new Map<string, HeaderBlock>();
const MAX_KNOWN_BLOCKS = 64;
const MAX_KNOWN_BLOCK_BYTES = 256;

function headerBlock(bytes: Uint8Array<ArrayBuffer>): HeaderBlock {
  if (bytes.length > MAX_KNOWN_BLOCK_BYTES) return { bytes, headers: decodeHeaders(bytes) };
  const key = latin1Text(bytes);
  const known = KNOWN_BLOCKS.get(key);
  if (known !== undefined) return known;
  const block = { bytes, headers: decodeHeaders(bytes) };
  if ([...block.headers.values()].every((value) => typeof value === "string")) {
    if (KNOWN_BLOCKS.size === MAX_KNOWN_BLOCKS) KNOWN_BLOCKS.clear();
    KNOWN_BLOCKS.set(key, block);
  }
  return block;
}

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
    const type = valueTypeOf(view.getUint8(take(1)));
    const size = type.size === "prefixed" ? view.getUint16(take(2)) : type.size;
    headers.set(name, type.read(viewOf(block, take(size), size)));
  }
  return headers;
}

function valueTypeOf(number: number): ValueType {
  const types: Readonly<Record<number, ValueType>> = VALUE_TYPES;
  const type = types[number];
  if (type === undefined) throw new EventStreamError("header", `a header has the unknown type ${number}`);
  return type;
}

/** Encodes headers. Numbers become 32-bit integers; strings and bytes are limited to 32767 bytes. */
export function encodeHeaders(headers: HeadersInit): Uint8Array<ArrayBuffer> {
  const entries = Symbol.iterator in headers ? headers : Object.entries(headers);
  return concat([...entries].flatMap(([name, value]) => encodeHeader(name, value)));
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
  if (typeof value === "string") return encodeSized(name, WIRE_TYPE.string, encodeUtf8(value));
  if (typeof value === "boolean") return [Uint8Array.of(value ? WIRE_TYPE.true : WIRE_TYPE.false)];
  if (typeof value === "number") return encodeFixed(WIRE_TYPE.integer, (view) => view.setInt32(0, value));
  if (typeof value === "bigint") return encodeFixed(WIRE_TYPE.long, (view) => view.setBigInt64(0, value));
  if (value instanceof Uint8Array) return encodeSized(name, WIRE_TYPE.bytes, value.slice());
  if (value instanceof Date) {
    return encodeFixed(WIRE_TYPE.timestamp, (view) => view.setBigInt64(0, BigInt(value.getTime())));
  }
  return [Uint8Array.of(WIRE_TYPE.uuid), Uint8Array.from(Buffer.from(value.uuid.replaceAll("-", ""), "hex"))];
}

function encodeSized(
  name: string,
  type: WireType,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer>[] {
  if (bytes.length > MAX_SIZED_BYTES) {
    throw new RangeError(
      `Cannot encode header "${name}": its value exceeds ${MAX_SIZED_BYTES} bytes: ${bytes.length}`,
    );
  }
  return [Uint8Array.of(type, bytes.length >> 8, bytes.length & 0xff), bytes];
}

type FixedType = typeof WIRE_TYPE.integer | typeof WIRE_TYPE.long | typeof WIRE_TYPE.timestamp;

function encodeFixed(type: FixedType, write: (view: DataView) => void): Uint8Array<ArrayBuffer>[] {
  const bytes = new Uint8Array(VALUE_TYPES[type].size);
  write(new DataView(bytes.buffer));
  return [Uint8Array.of(type), bytes];
}

function viewOf(bytes: Uint8Array<ArrayBuffer>, from: number, size: number): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer, bytes.byteOffset + from, size);
}

function bytesOf(view: DataView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function formatUuid(bytes: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(bytes).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
