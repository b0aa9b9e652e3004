/** Sockets in step with the configuration: opened first, drained after, all or none. */

import { deepEqual, equal, throws } from "node:assert/strict";
import { setImmediate } from "node:timers";
import { seal } from "../../lib/base/secret.ts";
import type { ListenAddress } from "../../lib/snapshot/snapshot.ts";
import { Listeners } from "../../lib/server/listeners.ts";
import type { RunningServer, Runtime, Server } from "../../lib/runtime/runtime.ts";

/** A runtime whose servers only say what happens to them. */
function setUp() {
  const events: string[] = [];
  const drains = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const taken = new Set<string>();
  let freePort = 50_000;

  function serve({ hostname, port, tls, replaces }: Parameters<Runtime["serve"]>[0]): Server {
    const bound = port === 0 ? freePort++ : port;
    const name = `${hostname}:${bound}`;
    if (taken.has(name) && replaces === undefined) {
      throw new Error(`Cannot listen on ${name}: address in use`);
    }
    taken.add(name);
    const before = replaces === undefined ? "" : ` after ${replaces.hostname}:${replaces.port}`;
    events.push(`open ${name}${tls === undefined ? "" : ` ${tls.certificate} ${tls.key}`}${before}`);
    return {
      hostname,
      port: bound,
      drain: () => {
        events.push(`drain ${name}`);
        taken.delete(name);
        return new Promise((resolve, reject) => drains.set(name, { resolve, reject }));
      },
      close: () => {
        events.push(`close ${name}`);
        taken.delete(name);
        drains.get(name)?.resolve();
        return Promise.resolve();
      },
    };
  }

  function serveSocket({ path }: Parameters<Runtime["serveSocket"]>[0]): RunningServer {
    const { drain, close } = serve({
      hostname: path,
      port: 1,
      handle: () => Promise.reject(new Error("unused")),
    });
    return { drain, close };
  }

  const listeners = new Listeners({
    runtime: { serve, serveSocket },
    handle: () => Promise.resolve(new Response()),
    onListening: (url) => events.push(`listening ${url}`),
  });
  return { listeners, events, drains, taken };
}

/** What is handed over is drained after a turn of the event loop, in which waiting connections are accepted. */
const untilAccepted = () => new Promise((resolve) => setImmediate(resolve));

const at = (port: number, hostname = "127.0.0.1"): ListenAddress => ({ hostname, port });
const certificate = (text: string) => ({
  certificate: text,
  key: seal(`key of ${text}`),
  expiresAtMs: Infinity,
});

Deno.test("sockets are announced when they are taken over, with their real port", () => {
  const { listeners, events } = setUp();
  const change = listeners.open([at(0), at(8080, "::1")], undefined);
  deepEqual(listeners.urls, []);
  change.commit();
  deepEqual(listeners.urls, ["http://127.0.0.1:50000", "http://[::1]:8080"]);
  deepEqual(events.filter((event) => event.startsWith("listening")), [
    "listening http://127.0.0.1:50000",
    "listening http://[::1]:8080",
  ]);
});

Deno.test("a changed address is opened before the old one is drained; the others are left alone", () => {
  const { listeners, events } = setUp();
  listeners.open([at(1), at(2)], undefined).commit();
  events.length = 0;
  listeners.open([at(2), at(3)], undefined).commit();
  deepEqual(events, ["open 127.0.0.1:3", "listening http://127.0.0.1:3", "drain 127.0.0.1:1"]);
  deepEqual(listeners.urls, ["http://127.0.0.1:2", "http://127.0.0.1:3"]);
});

Deno.test("a Unix socket is an address like any other, but for TLS and ports", () => {
  const { listeners, events } = setUp();
  listeners.open([{ path: "/run/a" }, at(1)], certificate("A")).commit();
  deepEqual(listeners.urls, ["unix:/run/a", "https://127.0.0.1:1"]);
  events.length = 0;
  listeners.open([{ path: "/run/b" }], undefined).commit();
  deepEqual(events, ["open /run/b:1", "listening unix:/run/b", "drain /run/a:1", "drain 127.0.0.1:1"]);
  events.length = 0;
  listeners.open([{ path: "/run/b" }], undefined).commit();
  deepEqual(events, []);
});

Deno.test("the same configuration again changes nothing", () => {
  const { listeners, events } = setUp();
  listeners.open([at(0), at(1)], undefined).commit();
  events.length = 0;
  listeners.open([at(0), at(1)], undefined).commit();
  deepEqual(events, []);
  equal(listeners.urls.length, 2);
});

Deno.test("one address that cannot be opened leaves everything as it was", () => {
  const { listeners, events, taken } = setUp();
  listeners.open([at(1)], undefined).commit();
  taken.add("127.0.0.1:9");
  events.length = 0;
  throws(() => listeners.open([at(1), at(2), at(9)], undefined), /127\.0\.0\.1:9/);
  deepEqual(events, ["open 127.0.0.1:2", "close 127.0.0.1:2"]);
  deepEqual(listeners.urls, ["http://127.0.0.1:1"]);
});

Deno.test("a change that is undone closes what it opened", () => {
  const { listeners, events } = setUp();
  listeners.open([at(1)], undefined).commit();
  events.length = 0;
  listeners.open([at(2)], undefined).undo();
  deepEqual(events, ["open 127.0.0.1:2", "close 127.0.0.1:2"]);
  deepEqual(listeners.urls, ["http://127.0.0.1:1"]);
});

Deno.test("a certificate makes the listener https, and only the runtime sees the key", () => {
  const { listeners, events } = setUp();
  listeners.open([at(1)], certificate("one")).commit();
  deepEqual(events, ["open 127.0.0.1:1 one key of one", "listening https://127.0.0.1:1"]);
});

Deno.test("a changed certificate takes over the address, and the port where any would do", () => {
  const { listeners, events } = setUp();
  listeners.open([at(1), at(0)], certificate("one")).commit();
  events.length = 0;
  listeners.open([at(1), at(0)], certificate("two")).commit();
  deepEqual(events, [
    "open 127.0.0.1:1 two key of two after 127.0.0.1:1",
    "open 127.0.0.1:50000 two key of two after 127.0.0.1:50000",
    "listening https://127.0.0.1:1",
    "listening https://127.0.0.1:50000",
    "drain 127.0.0.1:1",
    "drain 127.0.0.1:50000",
  ]);
});

Deno.test("a new host name takes over the port of the previous one", () => {
  const { listeners, events } = setUp();
  listeners.open([at(1)], undefined).commit();
  events.length = 0;
  listeners.open([at(1, "0.0.0.0")], undefined).commit();
  deepEqual(events, [
    "open 0.0.0.0:1 after 127.0.0.1:1",
    "listening http://0.0.0.0:1",
    "drain 127.0.0.1:1",
  ]);
});

Deno.test("the same address twice is two sockets, and both stay", () => {
  const { listeners, events } = setUp();
  listeners.open([at(0), at(0)], undefined).commit();
  events.length = 0;
  listeners.open([at(0), at(0)], undefined).commit();
  deepEqual(events, []);
  listeners.open([at(0)], undefined).commit();
  deepEqual(events, ["drain 127.0.0.1:50001"]);
});

Deno.test("drain resolves when the last request has been answered, those of earlier drains too", async () => {
  const { listeners, drains } = setUp();
  listeners.open([at(1), at(2)], undefined).commit();
  listeners.open([at(2)], undefined).commit();
  let drained = false;
  const drain = listeners.drain().then(() => drained = true);
  deepEqual([...drains.keys()], ["127.0.0.1:1", "127.0.0.1:2"]);
  deepEqual(listeners.urls, []);
  drains.get("127.0.0.1:2")?.resolve();
  await Promise.resolve();
  equal(drained, false);
  drains.get("127.0.0.1:1")?.resolve();
  await drain;
});

Deno.test("a listener that fails to drain blocks nothing", async () => {
  const { listeners, drains } = setUp();
  listeners.open([at(1), at(2)], undefined).commit();
  listeners.open([at(2)], undefined).commit();
  drains.get("127.0.0.1:1")?.reject(new Error("EBADF"));
  // An unhandled rejection would fail the test here.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const drain = listeners.drain();
  drains.get("127.0.0.1:2")?.reject(new Error("EBADF"));
  await drain;
});

Deno.test("close ends what is open and what is being drained", async () => {
  const { listeners, events } = setUp();
  listeners.open([at(1), at(2)], undefined).commit();
  listeners.open([at(2)], undefined).commit();
  events.length = 0;
  await listeners.close();
  deepEqual(events.sort(), ["close 127.0.0.1:1", "close 127.0.0.1:2"]);
});

Deno.test("what is handed over is no longer accepted here, keeps its URL and port, and can be taken back", async () => {
  const { listeners, events, drains } = setUp();
  listeners.open([at(0)], undefined).commit();
  const [bound] = listeners.bound;
  deepEqual(bound, at(50_000));
  listeners.handOver();
  await untilAccepted();
  deepEqual(events.splice(0), [
    "open 127.0.0.1:50000",
    "listening http://127.0.0.1:50000",
    "drain 127.0.0.1:50000",
  ]);
  deepEqual(listeners.urls, ["http://127.0.0.1:50000"]);
  // The same address needs no socket, and another certificate a new one at the same port.
  listeners.open([at(0)], undefined).commit();
  deepEqual(events.splice(0), []);
  listeners.open([at(0)], certificate("new")).commit();
  deepEqual(events.splice(0), ["open 127.0.0.1:50000 new key of new", "listening https://127.0.0.1:50000"]);
  listeners.handOver();
  await untilAccepted();
  events.splice(0);
  listeners.takeBack(certificate("new"));
  deepEqual(events.splice(0), ["open 127.0.0.1:50000 new key of new"]);
  deepEqual(listeners.urls, ["https://127.0.0.1:50000"]);
  drains.get("127.0.0.1:50000")?.resolve();
  await listeners.close();
});

Deno.test("a socket that is paused or resumed during a reload keeps working after it", async () => {
  const { listeners, events } = setUp();
  listeners.open([at(1)], undefined).commit();
  listeners.pause();
  const whilePaused = listeners.open([at(1)], undefined);
  listeners.resume(undefined);
  events.splice(0);
  whilePaused.commit();
  deepEqual(events.splice(0), []);
  const whileOpen = listeners.open([at(1)], undefined);
  equal(listeners.pause(), true);
  whileOpen.commit();
  deepEqual(events.splice(0), ["drain 127.0.0.1:1"]);
  listeners.resume(undefined);
  deepEqual(events.splice(0), ["open 127.0.0.1:1"]);
  await listeners.close();
});

Deno.test("if only some sockets can be taken back, they can be handed over again", async () => {
  const { listeners, events, taken } = setUp();
  listeners.open([at(1), at(2)], undefined).commit();
  listeners.handOver();
  await untilAccepted();
  taken.add("127.0.0.1:2");
  events.splice(0);
  throws(() => listeners.takeBack(undefined), /address in use/);
  listeners.handOver();
  await untilAccepted();
  deepEqual(events, ["open 127.0.0.1:1", "drain 127.0.0.1:1"]);
  await listeners.close();
});
