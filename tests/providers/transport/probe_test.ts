/** The connection probe, against real sockets. */

import { equal } from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { probeConnection } from "../../../lib/providers/transport/probe.ts";

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

/** A listener whose queue of connections is full, so that the next one is neither taken nor refused. */
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
