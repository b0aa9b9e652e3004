/** The messages to a traffic thread, and what happens if it does not answer. */

import { deepEqual, rejects } from "node:assert/strict";

import type { LinkMessage } from "../../lib/app/threads/thread_link.ts";
import { TrafficThread } from "../../lib/app/threads/traffic_thread.ts";
import { toPieces } from "../../lib/base/pieces.ts";
import { newStoreAccess } from "../../lib/store/shared.ts";
import { fakeTime } from "../fakes/time.ts";

const unused = () => Promise.reject(new Error("unused"));

function startThread() {
  const { timers, advance } = fakeTime();
  const sent: LinkMessage[] = [];
  let receive: (message: LinkMessage) => void = () => {};
  const thread = new TrafficThread({
    data: {
      access: newStoreAccess(),
      sealingKey: new Uint8Array(64),
      env: {},
      version: "1.0.0",
      hasViews: false,
      startedMs: 0,
      clockOriginMs: 0,
    },
    host: {
      emulator: unused,
      settled() {},
      keyPair: unused,
      hasViews: false,
      usage: unused,
      budgets: unused,
      usedTarget() {},
      usedLimit() {},
    },
    timers,
    startWorker: (_name, { onMessage }) => {
      receive = onMessage;
      return { send: (message) => sent.push(message as LinkMessage), end: () => Promise.resolve() };
    },
    onLearned() {},
    onEnd() {},
  });
  const kinds = () =>
    sent.map((message) => "ask" in message ? message.ask : "tell" in message ? message.tell : "");
  return { thread, advance, kinds, answer: (id: number) => receive({ answered: id, answer: undefined }) };
}

Deno.test("a thread that answers too late for a reload does not get the rest of its configuration", async () => {
  const { thread, advance, kinds, answer } = startThread();
  const [piece] = toPieces({});
  const pieces = [piece, piece].filter((each) => each !== undefined);
  const prepared = thread.prepare(pieces, { generation: 2, listen: [], lessons: [] });
  deepEqual(kinds(), ["piece"]);
  const refused = rejects(prepared, /traffic thread 0 does not answer/);
  advance(31_000);
  await refused;
  thread.undo();
  answer(1);
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  deepEqual(kinds(), ["piece", "undo"]);
});
