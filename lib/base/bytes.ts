/** Bytes and text: the few conversions everything else shares. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

export const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** The text as UTF-8; half a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Text of the bytes, with U+FFFD where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Text of the bytes, or undefined where they are not UTF-8. */
export function decodeUtf8Strictly(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Up to this length a body is asked for in one piece, which takes less than reading it chunk by chunk. */
export const MAX_ONE_PIECE_BYTES = 1024 * 1024;

/** The chunks as one array; a single chunk is returned as it is, not copied. */
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
