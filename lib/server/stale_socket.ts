/** Removes the file of a Unix socket that a killed process left behind and that would block the next one. */

import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";

/** Removes the file of a socket that nobody listens on; anything else at the path stays. */
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
    // Only a refused connection proves that nobody is listening.
    socket.once("error", (error) => resolve(!("code" in error && error.code === "ECONNREFUSED")));
  });
}
