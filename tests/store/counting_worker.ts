/** Changes shared counters as often as it is told, and answers with the number of amounts that it could take. */

import { parentPort, workerData } from "node:worker_threads";
import { SharedStore, type StoreAccess } from "../../lib/store/shared.ts";
import { addTo } from "../../lib/store/store.ts";

/** The worker's start data. */
export interface Task {
  readonly access: StoreAccess;
  readonly turns: number;
}

const { access, turns }: Task = workerData;
const store = new SharedStore(access);
const cell = store.cell("cell");
const tally = store.tally("tally");
const numbers = store.numbers("numbers", 2);
const section = store.section("section");
const [first, second] = [section.numbers("first", 1), section.numbers("second", 1)];
const bounded = store.tally("bounded");
let admitted = 0;
for (let turn = 0; turn < turns; turn++) {
  addTo(cell, 1);
  tally.take(1);
  numbers.run((values) => {
    values[0] = (values[0] ?? 0) + 1;
    values[1] = (values[1] ?? 0) + 2;
  });
  section.enter();
  first[0] = (first[0] ?? 0) + 1;
  second[0] = (first[0] ?? 0) * 2;
  section.leave();
  if (bounded.take(1, 1000)) admitted++;
}
parentPort?.postMessage(admitted);
