/**
 * The frames of a zstd body (RFC 8878, section 3.1). They are decompressed one by one: Deno 2.9.6 returns the first frame
 * without the others, and both runtimes return a part of a body that was cut off.
 */

import { zstdDecompressSync } from "node:zlib";
import { concat } from "../base/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const MAGIC = 0xfd2fb528;
/** Frames that hold no data; the last four bits may be any. */
const SKIPPABLE = 0x184d2a50;
/** The largest window that HTTP allows (RFC 9659, section 3). */
const MAX_WINDOW_BYTES = 8 * 1024 * 1024;
/** Sizes of the fields that two bits of a frame's descriptor give. */
const DICTIONARY_BYTES = [0, 1, 2, 4];
const CONTENT_BYTES = [0, 2, 4, 8];
const RLE_BLOCK = 1;

/** A body of more frames would take long to decompress even if they were empty. */
const MAX_FRAMES = 1000;

/** The content of all frames. Throws a RangeError for more than `maxBytes`, and another error for an invalid body. */
export function zstdContent(body: Bytes, maxBytes: number): Bytes {
  const parts: Bytes[] = [];
  let total = 0;
  for (const frame of framesOf(body)) {
    const part = zstdDecompressSync(frame, { maxOutputLength: Math.max(1, maxBytes - total) });
    total += part.length;
    if (total > maxBytes) throw new RangeError("the content is too large");
    parts.push(new Uint8Array(part));
  }
  return concat(parts, total);
}

/** The frames with data. */
function framesOf(body: Bytes): Bytes[] {
  const found: Bytes[] = [];
  let frames = 0;
  for (let at = 0; at < body.length; frames++) {
    if (frames === MAX_FRAMES) throw new Error("too many frames");
    const isSkipped = ((uint32(body, at) ^ SKIPPABLE) >>> 4) === 0;
    const end = isSkipped ? at + 8 + uint32(body, at + 4) : frameEnd(body, at);
    if (end > body.length) throw cutOff();
    if (!isSkipped) found.push(body.subarray(at, end));
    at = end;
  }
  return found;
}

/** The offset after the frame at `start`. */
function frameEnd(body: Bytes, start: number): number {
  if (uint32(body, start) !== MAGIC) throw new Error("no zstd frame");
  const descriptor = byteAt(body, start + 4);
  const isSingle = (descriptor & 0x20) !== 0;
  if (!isSingle && windowBytes(byteAt(body, start + 5)) > MAX_WINDOW_BYTES) {
    throw new Error("the window is too large");
  }
  const contentBytes = CONTENT_BYTES[descriptor >>> 6] || (isSingle ? 1 : 0);
  let at = start + 5 + (isSingle ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 3] ?? 0) + contentBytes;
  for (let isLast = false; !isLast;) {
    const block = byteAt(body, at) | byteAt(body, at + 1) << 8 | byteAt(body, at + 2) << 16;
    isLast = (block & 1) !== 0;
    const type = (block >>> 1) & 3;
    at += 3 + (type === RLE_BLOCK ? 1 : block >>> 3);
  }
  const hasChecksum = (descriptor & 4) !== 0;
  return at + (hasChecksum ? 4 : 0);
}

/** Section 3.1.1.1.2. */
function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + base / 8 * (descriptor & 7);
}

function uint32(body: Bytes, at: number): number {
  return (byteAt(body, at) | byteAt(body, at + 1) << 8 | byteAt(body, at + 2) << 16 |
    byteAt(body, at + 3) << 24) >>> 0;
}

function byteAt(body: Bytes, at: number): number {
  const byte = body[at];
  if (byte === undefined) throw cutOff();
  return byte;
}

function cutOff(): Error {
  return new Error("the body is cut off");
}
