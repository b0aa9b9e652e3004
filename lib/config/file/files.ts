/** Reading files within bounds, and saying in words why one could not be read. */

import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import process from "node:process";

import { decodeUtf8Strictly } from "../../base/bytes.ts";
import { matchesGlob } from "../../base/glob.ts";
import { sha256Hex } from "../../base/hash.ts";

/** Gives the bytes of a file, or throws an error with a `code` such as `ENOENT`, or `EFBIG` above 1 MiB. */
export type ReadFile = typeof readFile;

/** Names in a folder, in any order, or an error with a `code` such as `ENOENT`. */
export type ListFolder = (folder: string) => Promise<readonly string[]>;

/**
 * What each file held when it was read, by absolute path: how many bytes and a hash of them, or the code of the error. A
 * pattern such as `/etc/adit/conf.d/*.yaml/`, told from a path by the slash at its end, stands for the names that match it.
 */
export type Fingerprints = ReadonlyMap<string, string>;

/** Whether there is less now than there was: fewer bytes, fewer names, or nothing that can be read. */
export function hasShrunk(before: string | undefined, now: string | undefined): boolean {
  return sizeOf(now) < sizeOf(before);
}

function sizeOf(fingerprint = ""): number {
  return Number.parseInt(fingerprint, 10) || 0;
}

/** Whether both say the same of the same files. */
export function isSame(one: Fingerprints, other: Fingerprints): boolean {
  return one.size === other.size && isPart(one, other);
}

/** Whether the second says the same of every file that the first has. */
export function isPart(one: Fingerprints, other: Fingerprints): boolean {
  return [...one].every(([key, fingerprint]) => other.get(key) === fingerprint);
}

const MAX_BYTES = 1024 * 1024;

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
  EIO: "the device failed",
  ELOOP: "its links lead in a circle",
  EMFILE: "the process has too many files open",
  ENAMETOOLONG: "the path is too long",
  ENFILE: "the system has too many files open",
  ENOENT: "no such file",
  ENOTDIR: "a part of the path is not a directory",
  ENXIO: "it is a socket or a device that nothing serves",
  EPERM: "permission denied",
  ESTALE: "the network file system has lost it",
} as const;

/** The bounded reader of the real file system. */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  // Before it is opened: opening a named pipe waits for a writer that may never come.
  const kind = await stat(path);
  if (kind.isDirectory()) throw new ReadError("EISDIR");
  if (!kind.isFile()) throw new ReadError("EINVAL");
  const file = await open(path);
  try {
    const buffer = new Uint8Array(MAX_BYTES + 1);
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

/** A text, or why there is none. */
export type TextOrReason =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** A file's bytes, or why there are none. */
export type BytesOrReason =
  | { readonly ok: true; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly ok: false; readonly reason: string };

/** A file's text as it is. */
export async function readText(path: string, read: ReadFile = readFile): Promise<TextOrReason> {
  try {
    const text = decodeUtf8Strictly(await read(path));
    return text === undefined ? { ok: false, reason: "it is not UTF-8 text" } : { ok: true, text };
  } catch (error) {
    return { ok: false, reason: readErrorReason(error) };
  }
}

/** Permission bits of a file; undefined where there are none. */
export type ModeOf = typeof modeOf;

/** The permission bits that the real file system has for a file. */
export async function modeOf(path: string): Promise<number | undefined> {
  // On Windows they say nothing about who may read.
  if (process.platform === "win32") return undefined;
  return await stat(path).then(({ mode }) => mode & 0o777, () => undefined);
}

/** Reads through another reader and remembers what it saw. */
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

  /** Names that match a pattern whose last part has the `*`, in order; hidden files only where it begins with a dot. */
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
