/** Copies of the files of the running configuration, which the files on disk may no longer be. */

import { promisify } from "node:util";
import { gunzipSync, gzip } from "node:zlib";

import { Buffer } from "node:buffer";
import { basename, dirname } from "node:path";
import { openText, sealText } from "../../base/seal.ts";
import {
  type Fingerprints,
  isPart,
  type ListFolder,
  type ReadFile,
  RecordingReader,
} from "../../config/file/files.ts";
import type { FileCopies } from "./view_messages.ts";

const compress = promisify(gzip);

/**
 * Reads the files again. They may contain secrets, so the copies are sealed like all secrets of the process. Returns
 * undefined if the files are no longer those with the fingerprints.
 */
export async function copyFiles(files: Fingerprints, readFile: ReadFile): Promise<FileCopies | undefined> {
  const reader = new RecordingReader(readFile);
  const copies = new Map<string, string>();
  const wanted = [...files].filter(([path]) => !path.endsWith("/"));
  for (const [path] of wanted) {
    // One that could not be read had no part in the configuration either.
    const bytes = await reader.read(path).catch(() => undefined);
    if (bytes !== undefined) copies.set(path, sealText((await compress(bytes)).toString("base64")));
  }
  return isPart(new Map(wanted), reader.fingerprints) ? copies : undefined;
}

/** Reads the copies instead of the files. */
export function readersOf(
  copies: FileCopies,
): { readonly readFile: ReadFile; readonly listFolder: ListFolder } {
  return {
    readFile: (path) => {
      const copy = copies.get(path);
      if (copy === undefined) return Promise.reject(Object.assign(new Error("no copy"), { code: "ENOENT" }));
      return Promise.resolve(new Uint8Array(gunzipSync(Buffer.from(openText(copy), "base64"))));
    },
    listFolder: (folder) =>
      Promise.resolve(
        [...copies.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path)),
      ),
  };
}
