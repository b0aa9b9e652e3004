/** Streams of events: what a viewer sees, and that one who does not look costs nothing. */

import { deepEqual, equal, rejects } from "node:assert/strict";

import { eventsOf, KEY, KEY_HASH, viewWorld } from "./world.ts";

const LIVE = { accept: "text/event-stream" };

/** Lets promises settle that have nothing to wait for. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

Deno.test("a viewer of now has an event at once and one every second", async () => {
  const { send, advance, timers } = viewWorld();
  const response = await send("GET /admin/v1/now", { headers: LIVE });
  equal(response.headers.get("content-type"), "text/event-stream");
  const events = eventsOf(response);
  const first = await events.next();
  deepEqual([first?.name, first?.value["version"]], ["now", "1.2.3"]);
  await settle();
  advance(1000);
  equal((await events.next())?.value["uptime_s"], 6);
  await settle();
  await events.cancel();
  equal(timers.size, 0);
});

Deno.test("a viewer that does not read is asked for nothing, misses what happens, and is let go", async () => {
  let asked = 0;
  const { send, advance, timers } = viewWorld({
    inFlight: () => {
      asked++;
      return { total: asked, requests: [] };
    },
  });
  const response = await send("GET /admin/v1/now", { headers: LIVE });
  for (let second = 0; second < 20; second++) {
    await settle();
    advance(1000);
  }
  equal(asked, 1, "one event waits to be read");
  for (let second = 0; second < 20; second++) {
    await settle();
    advance(1000);
  }
  equal(timers.size, 0);
  const events = eventsOf(response);
  await rejects(async () => {
    await events.next();
    await events.next();
  });
});

Deno.test("viewers share one view", async () => {
  let asked = 0;
  const { send, advance } = viewWorld({
    inFlight: () => {
      asked++;
      return { total: 0, requests: [] };
    },
  });
  const viewers = await Promise.all(
    Array.from({ length: 5 }, async () => eventsOf(await send("GET /admin/v1/now", { headers: LIVE }))),
  );
  await Promise.all(viewers.map((viewer) => viewer.next()));
  equal(asked, 1);
  await settle();
  advance(1000);
  await Promise.all(viewers.map((viewer) => viewer.next()));
  equal(asked, 2);
  for (const viewer of viewers) await viewer.cancel();
});

Deno.test("viewers are bounded, and one that leaves makes room", async () => {
  const { send } = viewWorld();
  const open = await Promise.all(
    Array.from({ length: 16 }, () => send("GET /admin/v1/log", { headers: LIVE })),
  );
  const refused = await send("GET /admin/v1/now", { headers: LIVE });
  deepEqual([refused.status, refused.headers.get("retry-after")], [429, "5"]);
  equal((await send("GET /admin/v1/now")).status, 200, "a single look is no viewer");
  await open[3]?.body?.cancel();
  equal((await send("GET /admin/v1/now", { headers: LIVE })).status, 200);
});

Deno.test("the log is followed, by level and words, and what was missed is said", async () => {
  const { send, sources: { log }, advance, get } = viewWorld();
  log.add("info", '{"message":"first"}');
  log.add("error", '{"message":"early failure"}');
  deepEqual((await get("/admin/v1/log?level=warn")).lines.length, 1);
  deepEqual((await get("/admin/v1/log?search=FIRST")).lines[0].seq, 1);
  deepEqual((await get("/admin/v1/log?limit=1")).lines[0].seq, 2);
  const events = eventsOf(await send("GET /admin/v1/log?level=warn", { headers: LIVE }));
  equal((await events.next())?.value["line"], '{"message":"early failure"}');
  log.add("info", "not shown");
  log.add("warn", "shown");
  await settle();
  advance(250);
  deepEqual(await events.next(), { name: "line", value: { seq: 4, level: "warn", line: "shown" } });
  for (let number = 0; number < 1200; number++) log.add("error", `${number}`);
  await settle();
  advance(250);
  deepEqual(await events.next(), { name: "missed", value: { lines: 200 } });
  equal((await events.next())?.value["seq"], 205);
  await events.cancel();
});

Deno.test("a silent log sends a comment now and then, so that a lost connection is noticed", async () => {
  const { send, advance } = viewWorld();
  const reader = (await send("GET /admin/v1/log", { headers: LIVE })).body?.getReader();
  const read = reader?.read();
  for (let turn = 0; turn < 70; turn++) {
    await settle();
    advance(250);
  }
  const { value } = await read ?? {};
  equal(new TextDecoder().decode(value), ":\n\n");
  await reader?.cancel();
});

Deno.test("streams end when the key changes, and when the gateway stops", async () => {
  let keyHash = KEY_HASH;
  const { send, advance, views } = viewWorld({ access: () => ({ keyHash }) });
  const headers = { ...LIVE, authorization: `Bearer ${KEY}` };
  const one = eventsOf(await send("GET /admin/v1/now", { headers }));
  await one.next();
  await settle();
  keyHash = "0".repeat(64);
  advance(1000);
  equal(await one.next(), undefined);
  keyHash = KEY_HASH;
  const other = eventsOf(await send("GET /admin/v1/now", { headers }));
  await other.next();
  views.close();
  equal(await other.next(), undefined);
});

Deno.test("a view that cannot be made for a moment is left out, and the stream goes on", async () => {
  let failures = 2;
  const { send, advance } = viewWorld({
    usedTargets: () => {
      if (failures-- > 0) throw new Error("a thread is being replaced");
      return [];
    },
  });
  const events = eventsOf(await send("GET /admin/v1/now", { headers: LIVE }));
  const next = events.next();
  for (let second = 0; second < 3; second++) {
    await settle();
    advance(1000);
  }
  equal((await next)?.name, "now");
  await events.cancel();
});

Deno.test("HEAD opens no stream", async () => {
  const { send } = viewWorld();
  const response = await send("HEAD /admin/v1/now", { headers: LIVE });
  equal(response.headers.get("content-type"), "application/json");
});
