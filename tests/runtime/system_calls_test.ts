import assert from "node:assert/strict";
import { type Libc, socketAddress, systemCalls } from "../../lib/runtime/system_calls.ts";

const bytes = (...parts: readonly (number | string)[]): Uint8Array =>
  new Uint8Array(
    parts.flatMap((part) => typeof part === "number" ? [part] : [...new TextEncoder().encode(part)]),
  );

Deno.test("a path ends with a zero byte, an abstract name begins with one and ends with the address", () => {
  assert.deepEqual(socketAddress("/run/notify"), bytes(1, 0, "/run/notify", 0));
  assert.deepEqual(socketAddress("@adit"), bytes(1, 0, 0, "adit"));
  assert.equal(socketAddress(`@${"a".repeat(107)}`).length, 110);
});

Deno.test("an address that the kernel would not accept is refused by its name", () => {
  assert.throws(
    () => socketAddress("vsock:2:1234"),
    /^Error: Cannot send to the socket "vsock:2:1234": it must be /,
  );
  assert.throws(() => socketAddress(`/${"a".repeat(107)}`), /longer than 107 bytes$/);
});

const libc: Libc = {
  socket: () => 7,
  sendto: (_descriptor, _data, length) => length,
  close: () => 0,
  clock_gettime: (_clock, timespec) => {
    timespec.set([12n, 3_456_789n]);
    return 0;
  },
};

Deno.test("the C library is opened once, when it is first needed, by the first name that there is", () => {
  const tried: string[] = [];
  const calls = systemCalls((library) => {
    tried.push(library);
    if (!library.startsWith("libc.musl-aarch64")) throw new Error(`there is no ${library}`);
    return libc;
  });
  assert.deepEqual(tried, []);
  assert.equal(calls.monotonicMicroseconds(), 12_003_456n);
  calls.sendDatagram("@adit", new Uint8Array(3));
  assert.deepEqual(tried, ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"]);
});

Deno.test("a machine without any of them says why", () => {
  const calls = systemCalls((library) => {
    throw new Error(`there is no ${library}`);
  });
  assert.throws(
    () => calls.monotonicMicroseconds(),
    /^Error: Cannot open the C library: there is no libc\.so\.6$/,
  );
});

Deno.test("what the kernel refuses is an error, and leaves no descriptor behind", () => {
  const closed: number[] = [];
  const refusing: Libc = {
    ...libc,
    sendto: () => -1n,
    clock_gettime: () => -1,
    close: (descriptor) => closed.push(descriptor),
  };
  const calls = systemCalls(() => refusing);
  assert.throws(
    () => calls.sendDatagram("@adit", new Uint8Array(3)),
    /^Error: Cannot send to the socket "@adit": /,
  );
  assert.throws(() => calls.monotonicMicroseconds(), /^Error: Cannot read the monotonic clock: /);
  assert.deepEqual(closed, [7]);
});
