/** Shared memory, which is sent to other threads without being copied. */

import { Buffer } from "node:buffer";

/** A copy of the bytes in shared memory. */
export function sharedBytes(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** An array of zeros in shared memory. */
export function sharedNumbers(length: number): Uint32Array<SharedArrayBuffer> {
  return new Uint32Array(new SharedArrayBuffer(4 * length));
}

/** The same memory as a `Buffer`, which has methods that decode text. */
export function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array<SharedArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
