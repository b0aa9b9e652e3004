/** Replaces a file atomically: readers see either the old text or the new one. */

import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, unlinkSync } from "node:fs";
import { type FileHandle, open, realpath, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { decodeUtf8 } from "../../base/bytes.ts";

const PERMISSION_BITS = 0o7777;

/**
 * Writes a temporary file and renames it; mode and owner are kept. The target of a symbolic link is replaced, not the
 * link. Returns false and changes nothing if the file no longer contains the expected text.
 */
export async function replaceFile(
  path: string,
  text: string,
  { expected }: { readonly expected: string },
): Promise<boolean> {
  const target = await realpath(path);
  const { mode, uid, gid } = await stat(target);
  const suffix = randomBytes(6).toString("hex");
  // Hidden, so that no pattern of `include` matches it.
  const temporary = join(dirname(target), `.${basename(target)}.${suffix}`);
  const file = await open(temporary, "wx", 0o600);
  try {
    try {
      await file.writeFile(text);
      await keepOwner(file, uid, gid);
      await file.chmod(mode & PERMISSION_BITS);
      await file.sync();
    } finally {
      await file.close();
    }
    // Synchronous, so that nothing in this process happens in between; another process has microseconds.
    if (decodeUtf8(readFileSync(target)) !== expected) {
      unlinkSync(temporary);
      return false;
    }
    renameSync(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(target));
  return true;
}

/** Only root can change the owner; for other users, only the mode decides who can read the file. */
async function keepOwner(file: FileHandle, uid: number, gid: number): Promise<void> {
  const now = await file.stat();
  if (now.uid !== uid || now.gid !== gid) await file.chown(uid, gid).catch(() => {});
}

/** Makes the rename durable. Not every file system supports it, and the text itself is already durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
