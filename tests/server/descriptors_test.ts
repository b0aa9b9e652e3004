/** Connections are refused before the descriptors run out, and accepted again when there are enough. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { DescriptorGuard, limitOf, processDescriptors, reserveOf } from "../../lib/server/descriptors.ts";

function startGuard(limit: number) {
  const state = { used: 10, fails: false };
  const happened: string[] = [];
  const guard = new DescriptorGuard({
    descriptors: { limit, lowestFree: () => Math.min(state.used, limit), count: () => state.used },
    pause: () => happened.push("pause") > 0,
    resume: () => {
      if (state.fails) throw new Error("address in use");
      happened.push("resume");
    },
    onChange: (isPaused, used) => happened.push(`${isPaused ? "paused" : "resumed"} at ${used}`),
  });
  const at = (used: number) => {
    state.used = used;
    // As often as in a second.
    for (let look = 0; look < 50; look++) guard.check();
    return happened.splice(0);
  };
  return { at, state };
}

Deno.test("a quarter of the descriptors is kept, and twice as many must be free to go on", () => {
  const { at } = startGuard(800);
  deepEqual(at(10), []);
  deepEqual(at(599), []);
  deepEqual(at(600), ["pause", "paused at 600"]);
  deepEqual(at(800), []);
  deepEqual(at(400), []);
  deepEqual(at(399), ["resume", "resumed at 399"]);
  deepEqual(at(399), []);
  deepEqual(at(800), ["pause", "paused at 800"]);
});

Deno.test("a listener that cannot be opened again is tried again", () => {
  const { at, state } = startGuard(800);
  at(800);
  state.fails = true;
  deepEqual(at(10), []);
  state.fails = false;
  deepEqual(at(10), ["resume", "resumed at 10"]);
});

Deno.test("what is kept has limits of its own", () => {
  deepEqual([64, 256, 1024, 65_536, 1_000_000].map(reserveOf), [16, 64, 256, 4096, 4096]);
});

Deno.test("the limit is the soft one of the process", () => {
  equal(
    limitOf("Limit   Soft Limit  Hard Limit  Units\nMax open files            1024     524288     files\n"),
    1024,
  );
  equal(limitOf(""), undefined);
  equal(limitOf("Max open files            unlimited            unlimited            files\n"), undefined);
});

Deno.test("an open file moves the lowest free descriptor, and is counted", async () => {
  const descriptors = processDescriptors();
  ok(descriptors !== undefined, "this is Linux");
  ok(descriptors.lowestFree() < descriptors.limit);
  const before = descriptors.count() ?? 0;
  const files = await Promise.all(Array.from({ length: 20 }, () => Deno.open("/dev/null")));
  ok((descriptors.count() ?? 0) >= before + 20);
  for (const file of files) file.close();
});

Deno.test("where only other threads accept, nothing is paused or reported", () => {
  let reports = 0;
  const guard = new DescriptorGuard({
    descriptors: { limit: 100, lowestFree: () => 100, count: () => 100 },
    pause: () => false,
    resume: () => {},
    onChange: () => reports++,
  });
  for (let look = 0; look < 100; look++) guard.check();
  equal(reports, 0);
});
