/** Reading files within bounds, and saying in words why one could not be read. */

import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";

/** Gives the bytes of a file, or throws an error with a `code` such as `ENOENT`, or `EFBIG` above 1 MiB. */
export type ReadFile = typeof readFile;

/** What each file held when it was read, by absolute path: a hash of its bytes, or the code of the error. */
export type Fingerprints = ReadonlyMap<string, string>;

const MOST_BYTES = 1024 * 1024;

class ReadError extends Error {
  constructor(readonly code: keyof typeof REASONS) {
    super(REASONS[code]);
  }
}

const REASONS = {
  EACCES: "permission denied",
  EFBIG: "it is larger than 1 MiB",
  EISDIR: "it is a directory",
  EINVAL: "it is not a regular file",
  ENOENT: "no such file",
  ENOTDIR: "a part of the path is not a directory",
  EPERM: "permission denied",
} as const;

/** The bounded reader of the real file system. */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  // Before it is opened: opening a named pipe waits for a writer that may never come.
  const kind = await stat(path);
  if (kind.isDirectory()) throw new ReadError("EISDIR");
  if (!kind.isFile()) throw new ReadError("EINVAL");
  const file = await open(path);
  try {
    const buffer = new Uint8Array(MOST_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.slice(0, length);
      length += bytesRead;
    }
    throw new ReadError("EFBIG");
  } finally {
    await file.close();
  }
}

/** Reads through another reader and remembers what it saw. */
export class RecordingReader {
  readonly #seen = new Map<string, string>();
  readonly #read: ReadFile;

  constructor(read: ReadFile) {
    this.#read = read;
  }

  get fingerprints(): Fingerprints {
    return this.#seen;
  }

  async read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const bytes = await this.#read(path);
      this.#seen.set(path, createHash("sha256").update(bytes).digest("hex"));
      return bytes;
    } catch (error) {
      this.#seen.set(path, errorCode(error) ?? "unreadable");
      throw error;
    }
  }
}

/** Why a file could not be read: `no such file`. */
export function readErrorReason(error: unknown): string {
  const code = errorCode(error);
  return code !== undefined && Object.hasOwn(REASONS, code)
    ? REASONS[code as keyof typeof REASONS]
    : code ?? (error instanceof Error ? error.name : "unknown error");
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
