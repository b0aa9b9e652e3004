/** The connection probe, against real sockets. */

import { equal } from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { probeConnection, probeIn, proxyOf } from "../../../lib/providers/transport/probe.ts";

/** A port of 127.0.0.1 on which nothing listens. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("a listener that never accepts still gets connections", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  equal(await probeConnection(`http://127.0.0.1:${listener.addr.port}/model/m/converse`, 60_000), true);
});

Deno.test("a listener on IPv6 is found by the URL's bracketed address", async () => {
  using listener = Deno.listen({ hostname: "::1", port: 0 });
  equal(await probeConnection(`http://[::1]:${listener.addr.port}/`, 60_000), true);
});

Deno.test("a port without a listener accepts no connection", async () => {
  equal(await probeConnection(`http://127.0.0.1:${closedPort()}/`, 60_000), false);
});

Deno.test("a host that does not exist accepts no connection", async () => {
  equal(await probeConnection("https://nobody.invalid/", 60_000), false);
});

Deno.test("a host that does not respond in time accepts no connection", async () => {
  await using blackHole = await fullBacklog();
  equal(await probeConnection(`http://127.0.0.1:${blackHole.port}/`, 100), false);
});

/** A listener whose backlog is full, so that the next connection is neither accepted nor refused. */
async function fullBacklog(): Promise<{ port: number } & AsyncDisposable> {
  // Linux queues one connection more than the backlog says.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  const sockets = Array.from({ length: 2 }, () => connect({ host: "127.0.0.1", port }));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = sockets.map((socket) => once(socket, "close"));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
      listener.close();
    },
  };
}

const PROXIES: readonly (readonly [url: string, env: Record<string, string>, proxy: string | undefined])[] = [
  ["https://a.test/", {}, undefined],
  ["https://a.test/", { HTTPS_PROXY: "http://proxy.test:3128" }, "http://proxy.test:3128/"],
  ["https://a.test/", { https_proxy: "proxy.test:3128" }, "http://proxy.test:3128/"],
  ["https://a.test/", { HTTP_PROXY: "http://proxy.test" }, undefined],
  ["http://a.test/", { HTTP_PROXY: "http://proxy.test" }, "http://proxy.test/"],
  ["https://a.test/", { ALL_PROXY: "http://proxy.test" }, "http://proxy.test/"],
  ["https://b.a.test/", { HTTPS_PROXY: "http://p", NO_PROXY: "x, .a.test" }, undefined],
  ["https://a.test/", { HTTPS_PROXY: "http://p", NO_PROXY: "a.test" }, undefined],
  ["https://ba.test/", { HTTPS_PROXY: "http://p", NO_PROXY: "a.test" }, "http://p/"],
  ["https://a.test:8443/", { HTTPS_PROXY: "http://p", NO_PROXY: "a.test:443" }, "http://p/"],
  ["https://a.test:8443/", { HTTPS_PROXY: "http://p", NO_PROXY: "a.test:8443" }, undefined],
  ["https://a.test/", { HTTPS_PROXY: "http://p", NO_PROXY: "*" }, undefined],
];

for (const [url, env, proxy] of PROXIES) {
  Deno.test(`${url} with ${JSON.stringify(env)} is reached ${proxy === undefined ? "directly" : `by ${proxy}`}`, () => {
    equal(proxyOf(url, env)?.href, proxy);
  });
}

Deno.test("a host behind a proxy is reachable if the proxy connects to it", async () => {
  for (const [status, reachable] of [["200 OK", true], ["504 Gateway Timeout", false]] as const) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const asked = listener.accept().then(async (connection) => {
      const buffer = new Uint8Array(1024);
      const length = await connection.read(buffer) ?? 0;
      // In two packets, the first without the status.
      for (const part of ["HTTP/1", `.1 ${status}\r\n\r\n`]) {
        await connection.write(new TextEncoder().encode(part));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      await connection.read(buffer);
      connection.close();
      return new TextDecoder().decode(buffer.subarray(0, length));
    });
    // A percent sign that encodes nothing is sent as it is.
    const env = { HTTPS_PROXY: `http://us%er:p%40ss@127.0.0.1:${listener.addr.port}` };
    equal(await probeIn(env)("https://bedrock.test/model/m/converse", 60_000), reachable);
    equal(
      (await asked).split("\r\n").slice(0, 3).join("|"),
      `CONNECT bedrock.test:443 HTTP/1.1|Host: bedrock.test:443|Proxy-Authorization: Basic ${
        btoa("us%er:p@ss")
      }`,
    );
  }
});
