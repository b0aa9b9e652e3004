/** The reports of a traffic thread, in batches. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";

import { Outbox } from "../../lib/app/threads/outbox.ts";
import type { Settled } from "../../lib/app/threads/thread_messages.ts";

/** An outbox whose batches arrive after a turn of the event loop, in which `meanwhile` runs. */
function start(meanwhile: (outbox: Outbox) => void = () => {}) {
  const batches: Settled[] = [];
  const outbox: Outbox = new Outbox(async (batch) => {
    meanwhile(outbox);
    await setImmediate();
    batches.push(batch);
  });
  return { outbox, batches };
}

Deno.test("reports within a few milliseconds share a batch", async () => {
  const { outbox, batches } = start();
  outbox.line("info", "one");
  outbox.line("warn", "two");
  await outbox.flush();
  deepEqual(batches.map(({ levels, lines }) => ({ levels, lines })), [{
    levels: ["info", "warn"],
    lines: "one\ntwo\n",
  }]);
});

Deno.test("a flush waits only for reports from before it, although requests keep adding more", async () => {
  let added = 0;
  const { outbox, batches } = start((outbox) => {
    // Without a limit, a flush that waits for all of them would hang the test.
    if (++added < 1_000) outbox.line("info", `more ${added}`);
  });
  outbox.line("info", "first");
  await outbox.flush();
  ok(batches[0]?.lines.startsWith("first"));
  const arrived = batches.length;
  ok(arrived < 5, `${arrived} batches`);
  outbox.line("info", "second");
  await outbox.flush();
  ok(batches.some(({ lines }) => lines.includes("second\n")));
  ok(batches.length < arrived + 5, `${batches.length} batches`);
  added = 1_000;
  await outbox.flush();
});

Deno.test("flushing an empty outbox sends nothing", async () => {
  const { outbox, batches } = start();
  await outbox.flush();
  equal(batches.length, 0);
});
