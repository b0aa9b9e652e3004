/** A Unix socket's file outlives a process that was killed, and is in the way of the next one. */

import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";

/** Removes the file of a socket at which nobody listens any more; anything else at the path stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true || await isAlive(path)) return;
  await unlink(path).catch(() => {});
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // Only a refusal says that nobody is there.
    socket.once("error", (error) => resolve(!("code" in error && error.code === "ECONNREFUSED")));
  });
}
