/** The ledger refuses folders on another host. */

import { equal } from "node:assert/strict";
import { networkFileSystem, networkFileSystemOf } from "../../lib/ledger/file_system.ts";

Deno.test("network file systems are recognized by their number, whatever its sign", () => {
  equal(networkFileSystem(0x6969), "NFS");
  equal(networkFileSystem(0xff534d42), "CIFS");
  equal(networkFileSystem(0xff534d42 | 0), "CIFS");
  equal(networkFileSystem(0xef53), undefined, "ext4");
  equal(networkFileSystem(0x01021994), undefined, "tmpfs");
});

Deno.test("a local folder is on no network file system, and for a missing folder it is unknown", () => {
  equal(networkFileSystemOf("/proc"), undefined);
  equal(networkFileSystemOf("/no/such/folder"), undefined);
});
