/** Copies of the running configuration's files, since those on disk may have changed. */

import { promisify } from "node:util";
import { constants, gunzipSync, gzip } from "node:zlib";

import { Buffer } from "node:buffer";
import { basename, dirname } from "node:path";
import { openBytes, sealBytes } from "../../base/seal.ts";
import { sharedBytes } from "../../base/shared_bytes.ts";
import {
  type Fingerprints,
  isPart,
  type ListFolder,
  type ReadFile,
  RecordingReader,
} from "../../config/file/files.ts";
import type { FileCopies } from "./view_messages.ts";

const compress = promisify(gzip);

/** Reads files and keeps copies of their content. */
export class CopyingReader {
  readonly #read: ReadFile;
  readonly #contents = new Map<string, Uint8Array>();

  constructor(read: ReadFile) {
    this.#read = read;
  }

  readonly readFile: ReadFile = async (path) => {
    const bytes = await this.#read(path);
    this.#contents.set(path, bytes);
    return bytes;
  };

  /** Copies of every file that could be read; sealed, because they may contain secrets. */
  async copies(): Promise<FileCopies> {
    const copies = new Map<string, SharedArrayBuffer>();
    for (const [path, bytes] of this.#contents) {
      const compressed = await compress(bytes, { level: constants.Z_BEST_SPEED });
      copies.set(path, sharedBytes(sealBytes(compressed)).buffer);
    }
    return copies;
  }
}

/** Reads the files again. Returns undefined if they no longer match the fingerprints. */
export async function copyFiles(files: Fingerprints, readFile: ReadFile): Promise<FileCopies | undefined> {
  const copying = new CopyingReader(readFile);
  const reader = new RecordingReader(copying.readFile);
  const wanted = [...files].filter(([path]) => !path.endsWith("/"));
  // A file that cannot be read was not part of the configuration either.
  for (const [path] of wanted) await reader.read(path).catch(() => {});
  return isPart(new Map(wanted), reader.fingerprints) ? await copying.copies() : undefined;
}

/** Reads the copies instead of the files. */
export function readersOf(
  copies: FileCopies,
): { readonly readFile: ReadFile; readonly listFolder: ListFolder } {
  return {
    readFile: (path) => {
      const copy = copies.get(path);
      if (copy === undefined) return Promise.reject(Object.assign(new Error("no copy"), { code: "ENOENT" }));
      return Promise.resolve(new Uint8Array(gunzipSync(openBytes(Buffer.from(copy)))));
    },
    listFolder: (folder) =>
      Promise.resolve(
        [...copies.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path)),
      ),
  };
}
