/** Every store behaves the same; the shared one also between threads, and when a thread dies. */

import { equal, ok } from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { MAX_THREADS } from "../../lib/store/name_index.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { newStoreAccess, SharedStore, storeAccessFor } from "../../lib/store/shared.ts";
import { addTo, type Store } from "../../lib/store/store.ts";
import type { Task } from "./counting_worker.ts";

const STORES: Readonly<Record<string, () => Store>> = {
  memory: () => new MemoryStore(),
  shared: () => new SharedStore(newStoreAccess()),
};

for (const [name, make] of Object.entries(STORES)) {
  Deno.test(`${name}: a cell begins with 0 and only changes from the expected value`, () => {
    const store = make();
    const cell = store.cell("c");
    equal(cell.load(), 0);
    equal(cell.swap(1, 2), false);
    equal(cell.swap(0, Number.MAX_SAFE_INTEGER), true);
    equal(store.cell("c").load(), Number.MAX_SAFE_INTEGER);
    addTo(cell, -1);
    equal(cell.load(), Number.MAX_SAFE_INTEGER - 1);
    equal(store.cell("d").load(), 0);
  });

  Deno.test(`${name}: a tally takes up to its maximum, and gets back what was taken`, () => {
    const tally = make().tally("t");
    ok(tally.take(3, 5));
    equal(tally.take(3, 5), false);
    ok(tally.take(2, 5));
    ok(tally.take(10));
    equal(tally.total, 15);
    tally.give(12);
    equal(tally.total, 3);
  });

  Deno.test(`${name}: a call counts once, however often it is released`, () => {
    const calls = make().calls("c");
    ok(calls.add("a", 2));
    ok(calls.add("b", 2));
    equal(calls.add("c", 2), false);
    calls.delete("a");
    calls.delete("a");
    calls.delete("unknown");
    equal(calls.size, 1);
  });

  Deno.test(`${name}: numbers are kept by name, apart from everything else of that name`, () => {
    const store = make();
    store.tally("n").take(7);
    store.numbers("n", 3).run((numbers) => numbers[2] = 1.5);
    equal(store.numbers("n", 3).run((numbers) => numbers[0]), 0);
    equal(store.numbers("n", 3).run((numbers) => numbers[2]), 1.5);
    equal(store.cell("n").load(), 0);
    equal(store.tally("n").total, 7);
  });
}

Deno.test("what one thread takes is taken for all, and is given back when it dies", () => {
  const access = newStoreAccess();
  const own = new SharedStore(access);
  const first = storeAccessFor(1, access);
  const second = storeAccessFor(2, access);
  const [one, two] = [new SharedStore(first), new SharedStore(second)];
  ok(one.calls("c").add("a", 2));
  ok(two.calls("c").add("b", 2));
  one.tally("t").take(5);
  two.tally("t").take(7);
  addTo(one.cell("rate"), 42);
  equal(own.calls("c").add("c", 2), false);
  own.giveBack(first);
  equal(own.tally("t").total, 7);
  equal(own.calls("c").size, 1);
  // Rates are not held by anybody, and only the dead thread knew this one.
  equal(own.cell("rate").load(), 42);
  own.giveBack(second);
  equal(own.tally("t").total, 0);
});

Deno.test("a lock of a thread that has died is free again", () => {
  const access = newStoreAccess();
  const dead = storeAccessFor(1, access);
  const numbers = new SharedStore(dead).numbers("n", 1);
  numbers.run((values) => {
    // It dies here.
    values[0] = 1;
    const own = new SharedStore(access);
    own.giveBack(dead);
    equal(own.numbers("n", 1).run((known) => known[0]), 1);
  });
});

Deno.test("names beyond the room are counted by each thread, and no name gets another's values", () => {
  const access = newStoreAccess();
  let full = 0;
  const store = new SharedStore(access, () => full++);
  for (let index = 0; full === 0; index++) addTo(store.cell(`cell ${index}`), index);
  equal(store.cell("cell 1000").load(), 1000);
  addTo(store.cell("one more"), 5);
  equal(store.cell("one more").load(), 5);
  for (let index = 0; index < 1000; index++) store.forget(`cell ${index}`);
  full = 0;
  const later = Array.from({ length: 1000 }, (_, index) => store.cell(`later ${index}`));
  ok(later.every((cell) => cell.load() === 0));
  ok(full < 1000, "the room of forgotten names is used again");
  equal(store.cell("cell 1000").load(), 1000);
});

Deno.test("threads that change the same counters at once lose nothing", async () => {
  const access = newStoreAccess();
  const own = new SharedStore(access);
  const turns = 20_000;
  const workers = [1, 2, MAX_THREADS - 1].map((thread) => {
    const task: Task = { access: storeAccessFor(thread, access), turns };
    const worker = new Worker(new URL("counting_worker.ts", import.meta.url), { workerData: task });
    return new Promise<number>((resolve, reject) => worker.once("message", resolve).once("error", reject));
  });
  const admitted = await Promise.all(workers);
  equal(own.cell("cell").load(), 3 * turns);
  equal(own.tally("tally").total, 3 * turns);
  equal(own.numbers("numbers", 2).run(([one, two]) => `${one} ${two}`), `${3 * turns} ${6 * turns}`);
  // Of all threads together, no more than the maximum were admitted.
  equal(admitted.reduce((sum, count) => sum + count, 0), 1000);
});
