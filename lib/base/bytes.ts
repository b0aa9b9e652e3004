/** Conversions between bytes and strings. */

import { Buffer } from "node:buffer";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

export const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Encodes as UTF-8; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Decodes UTF-8; invalid bytes become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Decodes UTF-8, or returns undefined if the bytes are invalid. */
export function decodeUtf8Strictly(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Decodes Latin-1: one character per byte. */
export function latin1Text(bytes: Uint8Array): string {
  // Creating a Buffer would cost more than decoding a short chunk.
  return Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length);
}

/** Encodes Latin-1. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/**
 * Bodies up to this length are read in one piece, which is cheaper than chunk by chunk. Pauses within one piece cannot
 * be seen, so the whole body must arrive within the time limit for a pause.
 */
export const MAX_ONE_PIECE_BYTES = 64 * 1024;

/** Concatenates chunks; a single chunk is returned as is, not copied. */
export function concat(chunks: readonly Uint8Array<ArrayBuffer>[], total?: number): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  if (first === undefined) return EMPTY;
  if (chunks.length === 1) return first;
  const whole = new Uint8Array(total ?? chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
