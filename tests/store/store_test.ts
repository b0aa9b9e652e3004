/** Both stores behave the same; the shared one also between threads, and when a thread dies. */

import { equal, ok, throws } from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { Lock } from "../../lib/store/lock.ts";
import { MAX_THREADS } from "../../lib/store/name_index.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { newStoreAccess, SharedStore } from "../../lib/store/shared.ts";
import { addTo, type Store, within } from "../../lib/store/store.ts";
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

  Deno.test(`${name}: numbers are kept by name, apart from everything else of that name`, () => {
    const store = make();
    store.tally("n").take(7);
    store.numbers("n", 3).run((numbers) => numbers[2] = 1.5);
    equal(store.numbers("n", 3).run((numbers) => numbers[0]), 0);
    equal(store.numbers("n", 3).run((numbers) => numbers[2]), 1.5);
    equal(store.cell("n").load(), 0);
    equal(store.tally("n").total, 7);
  });

  Deno.test(`${name}: a section's numbers are kept by name until they are forgotten, whichever section asks`, () => {
    const store = make();
    const section = store.section("s");
    const numbers = section.numbers("n", 2);
    within(section, () => numbers[1] = 0.5);
    within(section, () => section.tally("n").take(2));
    equal(within(section, () => section.numbers("n", 2)[1]), 0.5);
    equal(within(section, () => section.tally("n").total), 2);
    equal(store.tally("n").total, 0);
    equal(store.numbers("n", 2).run((own) => own[1]), 0);
    // A change that throws leaves the section.
    throws(() => within(section, () => raise()), /raised/);
    equal(within(store.section("s"), () => store.section("s").numbers("n", 2)[1]), 0.5);
  });
}

function raise(): never {
  throw new Error("raised");
}

Deno.test("what one thread takes is taken for all threads, and is given back when it dies", () => {
  const own = new SharedStore(newStoreAccess());
  const first = own.accessFor(1);
  const second = own.accessFor(2);
  const [one, two] = [new SharedStore(first), new SharedStore(second)];
  ok(one.tally("bounded").take(1, 2));
  ok(two.tally("bounded").take(1, 2));
  one.tally("t").take(5);
  two.tally("t").take(7);
  addTo(one.cell("rate"), 42);
  equal(own.tally("bounded").take(1, 2), false);
  own.giveBack(first);
  equal(own.tally("t").total, 7);
  equal(own.tally("bounded").total, 1);
  // Nobody holds rates, and only the dead thread has used this one.
  equal(own.cell("rate").load(), 42);
  own.giveBack(second);
  equal(own.tally("t").total, 0);
});

Deno.test("the lock of a dead thread is freed", () => {
  const own = new SharedStore(newStoreAccess());
  const dead = own.accessFor(1);
  const numbers = new SharedStore(dead).numbers("n", 1);
  numbers.run((values) => {
    // It dies here.
    values[0] = 1;
    own.giveBack(dead);
    equal(own.numbers("n", 1).run((known) => known[0]), 1);
  });
});

Deno.test("a section in which a thread died can be entered again", () => {
  const own = new SharedStore(newStoreAccess());
  const dead = own.accessFor(1);
  const section = new SharedStore(dead).section("s");
  section.enter();
  section.tally("t").take(5);
  // It dies here.
  own.giveBack(dead);
  const entered = own.section("s");
  equal(within(entered, () => entered.tally("t").take(1, 1)), true, "what it had taken is free");
  section.leave();
});

Deno.test("a thread that waits for a dead one whose death is not known takes over the lock", () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const [own, dead] = [new Lock(words, 0, 0), new Lock(words, 0, 1)];
  dead.take();
  equal(own.run(() => words[0]), 1);
  // A thread that was only stopped does not free a lock that it no longer holds.
  own.take();
  dead.free();
  equal(words[0], 1);
  own.free();
  equal(words[0], 0);
});

Deno.test("names beyond the capacity are counted in each thread, and no name gets another's values", () => {
  let full = 0;
  const store = new SharedStore(newStoreAccess(), () => full++);
  for (let index = 0; full === 0; index++) addTo(store.cell(`cell ${index}`), index);
  equal(store.cell("cell 1000").load(), 1000);
  addTo(store.cell("one more"), 5);
  equal(store.cell("one more").load(), 5);
  for (let index = 0; index < 1000; index++) store.forget(`cell ${10_000 + index}`);
  full = 0;
  const later = Array.from({ length: 1000 }, (_, index) => store.cell(`later ${index}`));
  ok(later.every((cell) => cell.load() === 0));
  ok(full < 1000, "the room of forgotten names is used again");
  equal(store.cell("cell 1000").load(), 1000);
});

Deno.test("names from before other threads start are shared with them", () => {
  const own = new SharedStore(newStoreAccess());
  addTo(own.cell("early"), 5);
  const [one, two] = [new SharedStore(own.accessFor(1)), new SharedStore(own.accessFor(2))];
  addTo(one.cell("early"), 1);
  addTo(two.cell("late"), 2);
  equal(own.cell("early").load(), 6);
  equal(one.cell("late").load(), 2);
  one.forget("early");
  equal(two.cell("early").load(), 6);
  // The room of a name that all threads have forgotten is not given to another name, as it may be opened again.
  for (const store of [own, two]) store.forget("early");
  equal(two.cell("other").load(), 0);
  equal(own.cell("early").load(), 6);
});

Deno.test("names of a section from before share its lock, even when a thread dies in it", () => {
  const own = new SharedStore(newStoreAccess());
  const early = own.section("s");
  const dead = own.accessFor(1);
  const late = new SharedStore(dead).section("s");
  late.enter();
  late.tally("t").take(5);
  equal(early.tally("t").total, 5);
  // It dies here.
  own.giveBack(dead);
  equal(within(early, () => early.tally("t").total), 0);
});

Deno.test("a single thread has room for many names, which are never moved", () => {
  const own = new SharedStore(newStoreAccess(), () => raise());
  const cells = Array.from({ length: 20_000 }, (_, index) => own.cell(`cell ${index}`));
  for (const [index, cell] of cells.entries()) addTo(cell, index);
  const other = new SharedStore(own.accessFor(1));
  ok(cells.every((_, index) => other.cell(`cell ${index}`).load() === index));
});

Deno.test("threads that change the same counters at once lose nothing", async () => {
  const own = new SharedStore(newStoreAccess());
  const turns = 20_000;
  const workers = [1, 2, MAX_THREADS - 1].map((thread) => {
    const task: Task = { access: own.accessFor(thread), turns };
    const worker = new Worker(new URL("counting_worker.ts", import.meta.url), { workerData: task });
    return new Promise<number>((resolve, reject) => worker.once("message", resolve).once("error", reject));
  });
  const admitted = await Promise.all(workers);
  equal(own.cell("cell").load(), 3 * turns);
  equal(own.tally("tally").total, 3 * turns);
  equal(own.numbers("numbers", 2).run(([one, two]) => `${one} ${two}`), `${3 * turns} ${6 * turns}`);
  const section = own.section("section");
  equal(section.numbers("first", 1)[0], 3 * turns);
  equal(section.numbers("second", 1)[0], 6 * turns);
  // All threads together were admitted no more than the maximum.
  equal(admitted.reduce((sum, count) => sum + count, 0), 1000);
});
