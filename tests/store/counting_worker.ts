/** Counts in shared memory as often as it is told, and answers with the number of calls that were admitted. */

import { parentPort, workerData } from "node:worker_threads";
import { SharedStore, type StoreAccess } from "../../lib/store/shared.ts";
import { addTo } from "../../lib/store/store.ts";

/** What the worker is started with. */
export interface Task {
  readonly access: StoreAccess;
  readonly turns: number;
}

const { access, turns }: Task = workerData;
const store = new SharedStore(access);
const cell = store.cell("cell");
const tally = store.tally("tally");
const numbers = store.numbers("numbers", 2);
const calls = store.calls("calls");
let admitted = 0;
for (let turn = 0; turn < turns; turn++) {
  addTo(cell, 1);
  tally.take(1);
  numbers.run((values) => {
    values[0] = (values[0] ?? 0) + 1;
    values[1] = (values[1] ?? 0) + 2;
  });
  if (calls.add(`${access.thread} ${turn}`, 1000)) admitted++;
}
parentPort?.postMessage(admitted);
