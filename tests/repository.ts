/** Paths in the repository, whatever directory the tests run in. */

import { fileURLToPath } from "node:url";

/** The absolute path of a file given relative to the repository's root. */
export function repositoryPath(relative: string): string {
  return fileURLToPath(new URL(`../${relative}`, import.meta.url));
}

/** The Bun that the Makefile installs. */
export const BUN = repositoryPath(".tools/node_modules/.bin/bun");

/** Path of the built program. Throws where it has not been built, or the sources have changed since. */
export async function builtAdit(): Promise<string> {
  const path = repositoryPath("dist/adit");
  const built = await Deno.stat(path).catch(() => undefined);
  if (built === undefined) throw new Error("Cannot test dist/adit: it is not there, run make build");
  for (const source of ["main.ts", "deno.json", "lib", "config/data"]) {
    const changed = await firstChangedAfter(repositoryPath(source), built.mtime ?? new Date(0));
    if (changed !== undefined) {
      throw new Error(`Cannot test dist/adit: it is older than ${JSON.stringify(changed)}, run make build`);
    }
  }
  return path;
}

async function firstChangedAfter(path: string, time: Date): Promise<string | undefined> {
  const { isDirectory, mtime } = await Deno.stat(path);
  if (!isDirectory) return mtime !== null && mtime > time ? path : undefined;
  for await (const { name } of Deno.readDir(path)) {
    const changed = await firstChangedAfter(`${path}/${name}`, time);
    if (changed !== undefined) return changed;
  }
  return undefined;
}

/** Ports below those that the system assigns. */
const PORTS = { from: 12_000, count: 20_000 };
let portsGiven = Math.floor(Math.random() * PORTS.count);

/**
 * A free port of 127.0.0.1, another one each time, for programs that cannot choose one themselves. No connection and no
 * listener at port 0 takes it before the program does.
 */
export function freePort(): number {
  for (;;) {
    const port = PORTS.from + portsGiven++ % PORTS.count;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
