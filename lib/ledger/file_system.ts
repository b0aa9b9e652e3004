/** File systems that cannot contain the ledger: other hosts do not share the memory that SQLite's log needs. */

import { statfsSync } from "node:fs";
import process from "node:process";

/** Linux's magic numbers of network file systems: statfs(2). */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x01021997, "9P"],
  [0x00c36400, "Ceph"],
]);

/** The name of a network file system, by its number; undefined for any other file system. */
export function networkFileSystem(type: number): string | undefined {
  // The runtimes disagree about the sign.
  return NETWORK.get(type >>> 0);
}

/** The name of the network file system of a folder; undefined if it is on another one, or if that is unknown. */
export function networkFileSystemOf(folder: string): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return networkFileSystem(statfsSync(folder).type);
  } catch {
    return undefined;
  }
}
