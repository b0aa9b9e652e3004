/**
 * Sealed text, which only this process can read: it can be sent to other threads as plain data, and is useless if
 * printed.
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const CIPHER_KEY_BYTES = 32;
const KEY_BYTES = 2 * CIPHER_KEY_BYTES;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The key of the process: created on first use, or received from the thread that started this one. */
let processKey: Uint8Array | undefined;

/** The key of this process, for the threads that it starts and nobody else. */
export function sealingKey(): Uint8Array {
  return processKey ??= new Uint8Array(randomBytes(KEY_BYTES));
}

/** Sets the key received from the thread that started this one. Throws if another key is already in use. */
export function useSealingKey(key: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw new RangeError(`Cannot use sealing key: expected ${KEY_BYTES} bytes`);
  if (processKey !== undefined && !Buffer.from(processKey).equals(key)) {
    throw new Error("Cannot change the sealing key: secrets may have been sealed with it");
  }
  processKey = key;
}

/** Seals a text; equal texts have equal seals, so that settings with secrets can be compared. */
export function sealText(text: string): string {
  return sealBytes(Buffer.from(text)).toString("base64url");
}

/** The same for bytes. */
export function sealBytes(bytes: Uint8Array): Buffer {
  const key = sealingKey();
  // The nonce is derived from the bytes, so that equal nonces mean equal bytes:
  // https://www.rfc-editor.org/rfc/rfc8452#section-9
  const nonce = createHmac("sha256", key.subarray(CIPHER_KEY_BYTES)).update(bytes).digest().subarray(
    0,
    NONCE_BYTES,
  );
  const cipher = createCipheriv(CIPHER, key.subarray(0, CIPHER_KEY_BYTES), nonce);
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** Opens a sealed text. Throws an `Error` if another process sealed it, or if it is not sealed. */
export function openText(sealed: string): string {
  return openBytes(Buffer.from(sealed, "base64url")).toString();
}

/** The same for bytes. */
export function openBytes(bytes: Buffer): Buffer {
  const key = sealingKey().subarray(0, CIPHER_KEY_BYTES);
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw new Error("Cannot open a secret that this process has not sealed");
  }
}
