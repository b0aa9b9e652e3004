/** Replaces a file atomically: readers see either the old text or the new one. */

import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, unlinkSync } from "node:fs";
import { type FileHandle, open, realpath, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { decodeUtf8 } from "../../base/bytes.ts";

const PERMISSION_BITS = 0o7777;

/**
 * Writes a temporary file and renames it; mode and owner are kept. Through a symbolic link, the target is replaced. False,
 * with nothing changed, where the file does not hold the expected text any more.
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
    // Nothing can happen in this process between the two; another one would have to write in these microseconds.
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

/** Only root can change the owner; for other users the mode of the new file decides who can read it. */
async function keepOwner(file: FileHandle, uid: number, gid: number): Promise<void> {
  const now = await file.stat();
  if (now.uid !== uid || now.gid !== gid) await file.chown(uid, gid).catch(() => {});
}

/** Makes the rename durable; not every file system supports it, and the text itself is already safe. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
