/** Linux features that neither runtime exposes: datagrams on Unix sockets, and the system-wide monotonic clock. */

import { encodeUtf8 } from "../base/bytes.ts";
import { messageOf } from "../base/errors.ts";

/** Each call throws if the platform or the permissions do not allow it, or if the C library cannot be opened. */
export interface SystemCalls {
  /**
   * Sends one datagram to a Unix socket, given by its path or, after `@`, its abstract name. Never blocks: throws if
   * nobody listens or the socket is full.
   */
  sendDatagram(socket: string, data: Uint8Array<ArrayBuffer>): void;
  /**
   * CLOCK_MONOTONIC in microseconds; in both runtimes, `process.hrtime` counts from the start of the process instead.
   */
  monotonicMicroseconds(): bigint;
}

/** The C library functions in use, as the foreign function interfaces of both runtimes present them. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  sendto(
    ...call: [
      descriptor: number,
      data: Uint8Array<ArrayBuffer>,
      length: bigint,
      flags: number,
      address: Uint8Array<ArrayBuffer>,
      addressLength: number,
    ]
  ): bigint;
  close(descriptor: number): number;
  /** Writes two 64-bit integers, seconds and nanoseconds. */
  clock_gettime(clock: number, timespec: BigInt64Array<ArrayBuffer>): number;
}

/** Linux's values, the same on x86-64 and arm64. */
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const CLOCK_MONOTONIC = 1;

/** `sun_path` of unix(7). */
const MAX_PATH_BYTES = 108;

/** glibc's name, then musl's on both processors. */
const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** System calls through the C library, which `open` opens by name on the first call. */
export function systemCalls(open: (library: string) => Libc): SystemCalls {
  let opened: Libc | undefined;
  const libc = () => opened ??= openFirst(LIBRARIES, open);
  return {
    sendDatagram: (socket, data) => sendDatagram(libc(), { address: socketAddress(socket), data, socket }),
    monotonicMicroseconds: () => monotonicMicroseconds(libc()),
  };
}

function openFirst(libraries: readonly string[], open: (library: string) => Libc): Libc {
  const reasons: string[] = [];
  for (const library of libraries) {
    try {
      return open(library);
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  // Without permission, all of them fail for the same reason; without the library, any reason will do.
  throw new Error(`Cannot open the C library: ${reasons[0]}`);
}

/** A `sockaddr_un`. Throws if the name is invalid or too long for the kernel. */
export function socketAddress(socket: string): Uint8Array<ArrayBuffer> {
  const isAbstract = socket.startsWith("@");
  if (!isAbstract && !socket.startsWith("/")) {
    throw new Error(
      `Cannot send to the socket ${JSON.stringify(socket)}: it must be "/path" or "@name"`,
    );
  }
  // An abstract name begins with a zero byte and ends with the address; a path ends with a zero byte.
  const path = encodeUtf8(isAbstract ? `\0${socket.slice(1)}` : `${socket}\0`);
  if (path.length > MAX_PATH_BYTES) {
    throw new Error(
      `Cannot send to the socket ${JSON.stringify(socket)}: longer than ${MAX_PATH_BYTES - 1} bytes`,
    );
  }
  return new Uint8Array([AF_UNIX, 0, ...path]);
}

interface Datagram {
  readonly socket: string;
  readonly address: Uint8Array<ArrayBuffer>;
  readonly data: Uint8Array<ArrayBuffer>;
}

function sendDatagram(libc: Libc, { socket, address, data }: Datagram): void {
  const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (descriptor < 0) throw new Error("Cannot open a Unix socket: refused by the system");
  const length = BigInt(data.length);
  const sent = libc.sendto(descriptor, data, length, MSG_DONTWAIT_NOSIGNAL, address, address.length);
  libc.close(descriptor);
  if (sent !== length) {
    throw new Error(
      `Cannot send to the socket ${JSON.stringify(socket)}: nobody is listening, or the socket is full`,
    );
  }
}

function monotonicMicroseconds(libc: Libc): bigint {
  const timespec = new BigInt64Array(2);
  if (libc.clock_gettime(CLOCK_MONOTONIC, timespec) !== 0) {
    throw new Error("Cannot read the monotonic clock: refused by the system");
  }
  const [seconds = 0n, nanoseconds = 0n] = timespec;
  return seconds * 1_000_000n + nanoseconds / 1_000n;
}
