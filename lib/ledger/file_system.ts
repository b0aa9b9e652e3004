/** File systems on which the ledger cannot be kept: processes on other hosts do not see the memory that its log is in. */

import { statfsSync } from "node:fs";
import process from "node:process";

/** Linux's numbers of file systems that are served by another host: statfs(2). */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x01021997, "9P"],
  [0x00c36400, "Ceph"],
]);

/** The name of a network file system by its number; undefined for any other. */
export function networkFileSystem(type: number): string | undefined {
  // The runtimes disagree about the sign.
  return NETWORK.get(type >>> 0);
}

/** The name of the network file system that a folder is on; undefined if it is on none, or nobody knows. */
export function networkFileSystemOf(folder: string): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return networkFileSystem(statfsSync(folder).type);
  } catch {
    return undefined;
  }
}
