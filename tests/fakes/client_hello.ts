/** The first message of a TLS 1.2 client that offers one cipher suite, to find out what a listener accepts. */

import { Buffer } from "node:buffer";
import { connect } from "node:net";

const uint16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const sized = (content: Uint8Array) => Buffer.concat([uint16(content.length), content]);
const extension = (type: number, content: Uint8Array) => Buffer.concat([uint16(type), sized(content)]);

/** RFC 5246, section 7.4.1.2. */
function clientHello(suite: number): Uint8Array {
  const extensions = Buffer.concat([
    extension(10, sized(Buffer.concat([uint16(0x001d), uint16(0x0017)]))), // X25519, P-256
    extension(11, Buffer.from([1, 0])), // uncompressed points
    extension(13, sized(Buffer.concat([uint16(0x0403), uint16(0x0804), uint16(0x0401)]))), // signatures
    extension(23, Buffer.alloc(0)), // extended master secret
  ]);
  const body = Buffer.concat([
    uint16(0x0303),
    Buffer.alloc(32, 7),
    Buffer.from([0]),
    sized(uint16(suite)),
    Buffer.from([1, 0]),
    sized(extensions),
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0]), sized(body)]);
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(handshake)]);
}

/** Whether the listener at the URL answers with its own hello rather than an alert. */
export function acceptsSuite(url: string, suite: number): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(clientHello(suite)));
    socket.once("data", (data: Uint8Array) => {
      socket.destroy();
      resolve(data[0] === 22);
    });
    socket.once("error", reject);
    socket.once("end", () => resolve(false));
  });
}
