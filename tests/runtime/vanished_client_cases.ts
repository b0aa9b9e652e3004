/** Runtime suite: how a client is noticed that vanished without closing its connection, as when it loses its network. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { type KnownFailure, listen } from "./case.ts";

/** In `/proc/net/tcp`: the timer of a connection that is idle and has keep-alive. */
const KEEP_ALIVE_TIMER = "02";

/** An address of 127.0.0.1 as the kernel writes it. */
const kernelAddress = (port: number) => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;

/** The timer of the connection between two addresses, on the side of the first. */
async function timerOf(local: string | undefined, remote: string | undefined): Promise<string | undefined> {
  const rows = (await readFile("/proc/net/tcp", "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
  return rows.find((row) => row[1] === local && row[2] === remote)?.[5]?.split(":")[0];
}

export const vanishedClientCases: readonly KnownFailure[] = [
  {
    name: "the system asks an idle client whether it is still there",
    failsOn: ["bun", "deno"],
    run: async (runtime) => {
      await using listener = listen(runtime, () => Promise.resolve(new Response("ok")));
      await using client = await connectRaw(listener.url);
      client.send(requestText("GET /"));
      await client.answer();
      const [server, peer] = [Number(new URL(listener.url).port), client.socket.localPort ?? 0].map(
        kernelAddress,
      );
      client.socket.setKeepAlive(true, 60_000);
      // A kernel that does not show it for the client, which asks for it, shows nothing about the server.
      if (await timerOf(peer, server) !== KEEP_ALIVE_TIMER) return;
      assert.equal(await timerOf(server, peer), KEEP_ALIVE_TIMER);
    },
  },
];
