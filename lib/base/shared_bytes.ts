/** Memory that threads share: it crosses threads without being copied. */

import { Buffer } from "node:buffer";

/** The bytes in memory that threads share. */
export function sharedBytes(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** That many numbers, all 0, in such memory. */
export function sharedNumbers(length: number): Uint32Array<SharedArrayBuffer> {
  return new Uint32Array(new SharedArrayBuffer(4 * length));
}

/** The same memory, with the methods that decode text. */
export function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array<SharedArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
