/** Runtime suite: clients that leave, answers that break off, back-pressure, drain and close. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { fedStream, gate, listen } from "./case.ts";
import type { Case } from "./case.ts";

const MIB = 1024 * 1024;

export const connectionCases: readonly Case[] = [
  {
    name: "a client that leaves before the answer aborts the signal",
    run: async (runtime) => {
      for (const leave of ["close", "reset"] as const) {
        const arrived = gate();
        const left = gate();
        await using listener = listen(runtime, async (_, { clientGone }) => {
          clientGone.addEventListener("abort", left.open);
          arrived.open();
          await left.opened;
          return new Response("nobody reads this");
        });
        const client = await connectRaw(listener.url);
        client.send(requestText("GET /"));
        await arrived.opened;
        await client[leave]();
        await left.opened;
      }
    },
  },
  {
    name: "an HTTP/2 client that resets its stream before the answer aborts the signal",
    run: async (runtime) => {
      const arrived = gate();
      const left = gate();
      await using listener = listen(runtime, async (_, { clientGone }) => {
        clientGone.addEventListener("abort", left.open);
        arrived.open();
        await left.opened;
        return new Response("nobody reads this");
      });
      const session = connectHttp2(listener.url);
      const request = session.request({ ":path": "/" });
      request.on("error", () => {/* it is reset on purpose */});
      request.end();
      await arrived.opened;
      request.close(constants.NGHTTP2_CANCEL);
      await left.opened;
      session.destroy();
    },
  },
  {
    name: "a client that leaves during the answer cancels the body",
    run: async (runtime) => {
      for (const leave of ["close", "reset"] as const) {
        const { stream, controller, cancelled } = fedStream();
        await using listener = listen(runtime, () => Promise.resolve(new Response(stream)));
        const client = await connectRaw(listener.url);
        client.send(requestText("GET /"));
        controller.enqueue(encodeUtf8("first"));
        await client.through("first");
        await client[leave]();
        await cancelled;
      }
    },
  },
  {
    name: "an HTTP/2 client that resets its stream during the answer cancels the body",
    run: async (runtime) => {
      const { stream, controller, cancelled } = fedStream();
      await using listener = listen(runtime, () => Promise.resolve(new Response(stream)));
      const session = connectHttp2(listener.url);
      const request = session.request({ ":path": "/" });
      request.on("error", () => {/* it is reset on purpose */});
      request.end();
      controller.enqueue(encodeUtf8("first"));
      await once(request, "data");
      request.close(constants.NGHTTP2_CANCEL);
      await cancelled;
      session.destroy();
    },
  },
  {
    name: "a complete answer does not abort the signal",
    run: async (runtime) => {
      const signals: AbortSignal[] = [];
      await using listener = listen(runtime, (_, { clientGone }) => {
        signals.push(clientGone);
        return Promise.resolve(new Response("whole"));
      });
      const client = await connectRaw(listener.url);
      for (const path of ["/1", "/2"]) {
        client.send(requestText(`GET ${path}`));
        await client.answer();
      }
      await client.close();
      await using other = await connectRaw(listener.url);
      other.send(requestText("GET /3"));
      await other.answer();
      assert.deepEqual(signals.map((signal) => signal.aborted), [false, false, false]);
    },
  },
  {
    name: "a body that errors cuts the connection",
    run: async (runtime) => {
      const { stream, controller } = fedStream();
      await using listener = listen(runtime, () => Promise.resolve(new Response(stream)));
      await using client = await connectRaw(listener.url);
      client.send(requestText("GET /"));
      controller.enqueue(encodeUtf8("first"));
      await client.through("first");
      controller.error(new Error("the upstream broke off"));
      assert.doesNotMatch(await client.rest(), /0\r\n\r\n/);
    },
  },
  {
    name: "a client that does not read stops the source of the answer",
    run: async (runtime) => {
      const total = 512 * MIB;
      let produced = 0;
      await using listener = listen(runtime, (_, { target }) => {
        if (target === "/tick") return Promise.resolve(new Response("tick"));
        return Promise.resolve(
          new Response(
            new ReadableStream({
              pull: async (controller) => {
                await new Promise((resolve) => setImmediate(resolve));
                controller.enqueue(new Uint8Array(MIB));
                produced += MIB;
                if (produced >= total) controller.close();
              },
            }),
          ),
        );
      });
      await using idle = await connectRaw(listener.url);
      idle.send(requestText("GET /flood"));
      await idle.through("\r\n\r\n");
      idle.socket.pause();
      await using ticking = await connectRaw(listener.url);
      for (let tick = 0; tick < 1000; tick++) {
        ticking.send(requestText("GET /tick"));
        await ticking.answer();
      }
      assert.ok(produced < 64 * MIB, `${produced / MIB} MiB were produced for a client that reads nothing`);
    },
  },
  {
    name: "drain closes idle connections, refuses new ones and finishes in-flight requests",
    run: async (runtime) => {
      const { stream, controller } = fedStream();
      const server = runtime.serve({
        hostname: "127.0.0.1",
        port: 0,
        handle: (_, { target }) => Promise.resolve(new Response(target === "/slow" ? stream : "ok")),
      });
      const url = `http://127.0.0.1:${server.port}`;
      await using idle = await connectRaw(url);
      idle.send(requestText("GET /"));
      await idle.answer();
      await using busy = await connectRaw(url);
      busy.send(requestText("GET /slow"));
      controller.enqueue(encodeUtf8("first"));
      await busy.through("first");

      let isDrained = false;
      const drained = server.drain().then(() => {
        isDrained = true;
      });
      await idle.closed;
      await assert.rejects(connectRaw(url), { code: "ECONNREFUSED" });
      assert.equal(isDrained, false);
      controller.enqueue(encodeUtf8("second"));
      controller.close();
      assert.match(await busy.rest(), /second\r\n0\r\n\r\n$/);
      await drained;
    },
  },
  {
    name: "close during drain resolves once the handlers have aborted the in-flight requests",
    run: async (runtime) => {
      const { stream, controller } = fedStream();
      const server = runtime.serve({
        hostname: "127.0.0.1",
        port: 0,
        handle: () => Promise.resolve(new Response(stream)),
      });
      await using client = await connectRaw(`http://127.0.0.1:${server.port}`);
      client.send(requestText("GET /"));
      controller.enqueue(encodeUtf8("first"));
      await client.through("first");
      const drained = server.drain();
      const closed = server.close();
      // Bun has cancelled the stream by now, which makes this do nothing.
      controller.error(new Error("the time to drain is over"));
      assert.doesNotMatch(await client.rest(), /0\r\n\r\n/);
      await Promise.all([drained, closed]);
    },
  },
  {
    name: "close aborts in-flight requests",
    run: async (runtime) => {
      const { stream, controller, cancelled } = fedStream();
      const server = runtime.serve({
        hostname: "127.0.0.1",
        port: 0,
        handle: () => Promise.resolve(new Response(stream)),
      });
      await using client = await connectRaw(`http://127.0.0.1:${server.port}`);
      client.send(requestText("GET /"));
      controller.enqueue(encodeUtf8("first"));
      await client.through("first");
      await server.close();
      assert.doesNotMatch(await client.rest(), /0\r\n\r\n/);
      await cancelled;
    },
  },
];
