/** Reloads wait for each other, and many that wait are one. */

import { deepEqual, equal, rejects } from "node:assert/strict";

import { Turns } from "../../lib/app/turns.ts";

Deno.test("requests during a task are coalesced into one more task", async () => {
  const turns = new Turns<number>();
  const [hasBegun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let count = 0;
  const task = async () => {
    const number = ++count;
    hasBegun.resolve();
    await mayEnd.promise;
    return number;
  };
  const first = turns.takeOnce(task);
  await hasBegun.promise;
  const others = [1, 2, 3].map(() => turns.takeOnce(task));
  mayEnd.resolve();
  deepEqual(await Promise.all([first, ...others]), [1, 2, 2, 2]);
  equal(count, 2);
});

Deno.test("a task runs after one that failed, never during it", async () => {
  const turns = new Turns<string>();
  let isRunning = true;
  const failed = turns.take(async () => {
    await Promise.resolve();
    isRunning = false;
    throw new Error("broken");
  });
  const next = turns.takeOnce(() => Promise.resolve(String(isRunning)));
  await rejects(failed, /broken/);
  equal(await next, "false");
});
