/** A forward proxy on loopback that connects every tunnel to one server, whatever the requested host. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Certificate } from "./certificate.ts";

export interface FakeProxy extends AsyncDisposable {
  readonly port: number;
  /** The requests, such as `CONNECT bedrock.test:443 Basic …`, oldest first. */
  readonly asked: readonly string[];
}

export interface FakeProxyOptions {
  /** The port on 127.0.0.1 that tunnels are connected to. */
  readonly to: number;
  /** Whether the proxy is reached over TLS. */
  readonly tls?: Certificate;
  /** Does not answer a CONNECT, and keeps the connection open. */
  readonly stalls?: boolean;
}

export async function startFakeProxy({ to, tls, stalls = false }: FakeProxyOptions): Promise<FakeProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const note = ({ method, url, headers }: IncomingMessage) =>
    asked.push([method, url, headers["proxy-authorization"]].filter(Boolean).join(" "));
  const server: Server = tls === undefined
    ? createServer()
    : createTlsServer({ cert: tls.certificate, key: tls.key });
  server.on("request", (request, response) => {
    note(request);
    response.end("by the proxy");
  });
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    note(request);
    sockets.add(socket);
    socket.on("error", () => {});
    if (stalls) return;
    const upstream = connect(to, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on("error", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
