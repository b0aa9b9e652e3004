/** Reading files within bounds, and saying in words why one could not be read. */

import { open, stat } from "node:fs/promises";

/** Gives the bytes of a file, or throws an error with a `code` such as `ENOENT`, or `EFBIG` above `maxBytes`. */
export type ReadFile = typeof readFile;

class ReadError extends Error {
  constructor(readonly code: keyof typeof REASONS) {
    super(REASONS[code]);
  }
}

const REASONS = {
  EACCES: "permission denied",
  EFBIG: "the file is too large",
  EISDIR: "it is a directory",
  EINVAL: "it is not a regular file",
  ENOENT: "no such file",
  ENOTDIR: "a part of the path is not a directory",
  EPERM: "permission denied",
} as const;

/** The bounded reader of the real file system. */
export async function readFile(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  // Before it is opened: opening a named pipe waits for a writer that may never come.
  const kind = await stat(path);
  if (kind.isDirectory()) throw new ReadError("EISDIR");
  if (!kind.isFile()) throw new ReadError("EINVAL");
  const file = await open(path);
  try {
    const buffer = new Uint8Array(maxBytes + 1);
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
