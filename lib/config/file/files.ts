/** Reads files of limited size, and describes why a file could not be read. */

import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import process from "node:process";

import { decodeUtf8Strictly } from "../../base/bytes.ts";
import { matchesGlob } from "../../base/glob.ts";
import { sha256Hex } from "../../base/hash.ts";

/** Returns the bytes of a file, or throws an error with a `code` such as `ENOENT`, or `EFBIG` above 1 MiB. */
export type ReadFile = typeof readFile;

/** The names in a folder, in any order; throws an error with a `code` such as `ENOENT`. */
export type ListFolder = (folder: string) => Promise<readonly string[]>;

/**
 * The content of each file when it was read, by absolute path: its size and hash, or the error code. A
 * pattern such as `/etc/adit/conf.d/*.yaml/`, marked as one by the trailing slash, maps to the names that match it.
 */
export type Fingerprints = ReadonlyMap<string, string>;

/** Whether the content shrank: fewer bytes, fewer names, or unreadable. */
export function hasShrunk(before: string | undefined, now: string | undefined): boolean {
  return sizeOf(now) < sizeOf(before);
}

function sizeOf(fingerprint = ""): number {
  return Number.parseInt(fingerprint, 10) || 0;
}

/** Whether both have the same fingerprints for the same files. */
export function isSame(one: Fingerprints, other: Fingerprints): boolean {
  return one.size === other.size && isPart(one, other);
}

/** Whether `other` has the same fingerprint for every file of `one`. */
export function isPart(one: Fingerprints, other: Fingerprints): boolean {
  return [...one].every(([key, fingerprint]) => other.get(key) === fingerprint);
}

/** Maximum size of a file that the configuration consists of or names. */
export const MAX_BYTES = 1024 * 1024;
/** Maximum size of a file that is only converted. */
const MAX_LARGE_BYTES = 256 * MAX_BYTES;

/** A file that cannot be used, with a `code` like those of the file system. */
export class ReadError extends Error {
  constructor(readonly code: keyof typeof REASONS, message: string = REASONS[code]) {
    super(message);
  }
}

const REASONS = {
  EACCES: "permission denied",
  EFBIG: "larger than 1 MiB",
  EISDIR: "is a directory",
  EINVAL: "not a regular file",
  EIO: "input/output error",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files in this process",
  ENAMETOOLONG: "the path is too long",
  ENFILE: "too many open files in the system",
  ENOENT: "no such file",
  ENOTDIR: "part of the path is not a directory",
  ENXIO: "a socket, or a device without a driver",
  EPERM: "permission denied",
  ESTALE: "stale network file handle",
} as const;

/** Reads from the real file system, up to the size limit. */
export function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return readUpTo(MAX_BYTES, path);
}

/** The same for a file that may be larger, such as a cloud provider's list of prices. */
export function readLargeFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return readUpTo(MAX_LARGE_BYTES, path);
}

async function readUpTo(maxBytes: number, path: string): Promise<Uint8Array<ArrayBuffer>> {
  // Checked before opening, because opening a named pipe blocks until there is a writer.
  const kind = await stat(path);
  if (kind.isDirectory()) throw new ReadError("EISDIR");
  if (!kind.isFile()) throw new ReadError("EINVAL");
  const file = await open(path);
  try {
    // The size of a file below /proc is 0.
    const buffer = new Uint8Array(Math.min(maxBytes, Math.max(MAX_BYTES, kind.size)) + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.slice(0, length);
      length += bytesRead;
    }
    throw new ReadError("EFBIG", `larger than ${maxBytes / MAX_BYTES} MiB`);
  } finally {
    await file.close();
  }
}

/** A text, or the reason there is none. */
export type TextOrReason =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** The bytes of a file, or the reason they could not be read. */
export type BytesOrReason =
  | { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly ok: false; readonly reason: string };

/** The text of a file, unchanged. */
export async function readText(path: string, read: ReadFile = readFile): Promise<TextOrReason> {
  try {
    const text = decodeUtf8Strictly(await read(path));
    return text === undefined ? { ok: false, reason: "not UTF-8 text" } : { ok: true, text };
  } catch (error) {
    return { ok: false, reason: readErrorReason(error) };
  }
}

/** Permission bits of a file; undefined if unavailable. */
export type ModeOf = typeof modeOf;

/** Permission bits from the real file system. */
export async function modeOf(path: string): Promise<number | undefined> {
  // On Windows the mode does not describe read access.
  if (process.platform === "win32") return undefined;
  return await stat(path).then(({ mode }) => mode & 0o777, () => undefined);
}

/** Wraps a reader and records the fingerprints of all files that it read. */
export class RecordingReader {
  readonly #seen = new Map<string, string>();
  readonly #read: ReadFile;
  readonly #list: ListFolder;

  constructor(read: ReadFile, list: ListFolder = (folder) => readdir(folder)) {
    this.#read = read;
    this.#list = list;
  }

  get fingerprints(): Fingerprints {
    return this.#seen;
  }

  read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const fingerprint = (bytes: Uint8Array) => `${bytes.length} ${sha256Hex(bytes)}`;
    return this.#record(path, () => this.#read(path), fingerprint);
  }

  /**
   * Names that match a pattern whose last part contains the `*`, sorted; hidden files only if that part begins with a
   * dot.
   */
  list(pattern: string): Promise<readonly string[]> {
    const glob = basename(pattern);
    const hidden = glob.startsWith(".");
    const names = async () => {
      const all = await this.#list(dirname(pattern));
      return all.filter((name) => matchesGlob(glob, name) && (hidden || !name.startsWith("."))).toSorted();
    };
    const fingerprint = (found: readonly string[]) => `${found.length} ${sha256Hex(JSON.stringify(found))}`;
    return this.#record(`${pattern}/`, names, fingerprint);
  }

  async #record<Content>(
    key: string,
    read: () => Promise<Content>,
    fingerprintOf: (content: Content) => string,
  ): Promise<Content> {
    try {
      const content = await read();
      this.#seen.set(key, fingerprintOf(content));
      return content;
    } catch (error) {
      this.#seen.set(key, errorCode(error) ?? "unreadable");
      throw error;
    }
  }
}

/** The reason a file could not be read, such as `no such file`. */
export function readErrorReason(error: unknown): string {
  if (error instanceof ReadError) return error.message;
  const code = errorCode(error);
  return code !== undefined && Object.hasOwn(REASONS, code)
    ? REASONS[code as keyof typeof REASONS]
    : code ?? (error instanceof Error ? error.name : "unknown error");
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
