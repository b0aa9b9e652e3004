/** Removes a Unix socket file left behind by a killed process, which would prevent listening there. */

import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";

/** Removes the socket file at the path if nobody is listening on it; anything else there stays. */
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
