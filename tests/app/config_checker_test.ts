/** The configuration is checked in a thread: what happens where that fails, hangs, is idle, or is closed. */

import { deepEqual, equal, rejects } from "node:assert/strict";

import type { CheckedConfig, CheckMessage } from "../../lib/app/check_messages.ts";
import { ConfigChecker } from "../../lib/app/config_checker.ts";
import { digestsOf } from "../../lib/config/changes.ts";
import { toPieces } from "../../lib/base/pieces.ts";
import type { WorkerOptions } from "../../lib/runtime/workers.ts";
import { fakeTime } from "../fakes/time.ts";

/** A thread whose answers the test gives. */
interface FakeWorker extends WorkerOptions {
  readonly sent: unknown[];
  isEnded: boolean;
}

function startChecker() {
  const workers: FakeWorker[] = [];
  const time = fakeTime();
  const checker = new ConfigChecker({
    configPath: "/etc/adit/adit.yaml",
    env: {},
    timers: time.timers,
    startWorker: (_name, options) => {
      const worker: FakeWorker = { ...options, sent: [], isEnded: false };
      workers.push(worker);
      return {
        send: (message) => worker.sent.push(message),
        end: () => {
          worker.isEnded = true;
          return Promise.resolve();
        },
      };
    },
  });
  const worker = (index = 0): FakeWorker => {
    const found = workers[index];
    if (found === undefined) throw new Error(`There is no worker ${index}`);
    return found;
  };
  return { checker, time, workers, worker };
}

function resultWith(problems: number): CheckedConfig {
  return {
    ok: false,
    files: new Map([["/etc/adit/adit.yaml", "ENOENT"]]),
    warnings: [],
    problems: Array.from({ length: problems }, (_, line) => ({
      ...{ file: "adit.yaml", line, column: 1, path: "", message: "wrong" },
    })),
  };
}

const BEFORE = digestsOf({});
const CHECK: CheckMessage = { check: BEFORE };
const RESULT = resultWith(5_000);

/** Answers like the real thread. */
function answer({ sent, onMessage }: FakeWorker, result = RESULT): number {
  const pieces = toPieces(result);
  for (const piece of pieces) onMessage(piece);
  const messages: readonly CheckMessage[] = [CHECK, ...pieces.slice(1).map(() => "next" as const)];
  deepEqual(sent.splice(0), messages);
  return pieces.length;
}

Deno.test("the result arrives in pieces, of which each is requested", async () => {
  const { checker, worker } = startChecker();
  const check = checker.check(BEFORE);
  equal(answer(worker()) > 2, true);
  equal(JSON.stringify(await check), JSON.stringify(RESULT));
});

Deno.test("the next check uses the same thread, until it has been idle for a while", async () => {
  const { checker, time, worker, workers } = startChecker();
  for (const idleMs of [0, 9_000, 11_000]) {
    time.advance(idleMs);
    const check = checker.check(BEFORE);
    answer(worker(workers.length - 1));
    await check;
  }
  equal(workers.length, 2);
  equal(worker(0).isEnded, true);
  equal(worker(1).isEnded, false);
  time.advance(11_000);
  equal(worker(1).isEnded, true);
  equal(time.timers.size, 0);
});

Deno.test("a thread with a large result ends at once", async () => {
  const { checker, time, worker } = startChecker();
  const check = checker.check(BEFORE);
  answer(worker(), resultWith(100_000));
  await check;
  equal(worker().isEnded, true);
  equal(time.timers.size, 0);
});

Deno.test("a thread that dies fails the check, and the next one starts another", async () => {
  const { checker, worker, workers } = startChecker();
  const check = checker.check(BEFORE);
  worker().onEnd("out of memory");
  await rejects(check, /^Error: the thread that checks the configuration ended: out of memory$/);
  const next = checker.check(BEFORE);
  equal(workers.length, 2);
  answer(worker(1));
  equal((await next).ok, false);
});

Deno.test("a thread that dies while it is idle is replaced", async () => {
  const { checker, worker, workers } = startChecker();
  const check = checker.check(BEFORE);
  answer(worker());
  await check;
  worker().onEnd("exit code 1");
  const next = checker.check(BEFORE);
  answer(worker(1));
  await next;
  equal(workers.length, 2);
});

Deno.test("a thread that hangs is ended, and fails the check", async () => {
  const { checker, time, worker } = startChecker();
  const check = checker.check(BEFORE);
  time.advance(119_000);
  equal(worker().isEnded, false);
  time.advance(2_000);
  await rejects(check, /^Error: the check took longer than 120 s$/);
  equal(worker().isEnded, true);
  equal(time.timers.size, 0);
});

Deno.test("closing ends the thread and fails the check, now and later", async () => {
  const { checker, time, worker } = startChecker();
  const check = checker.check(BEFORE);
  checker.close();
  await rejects(check, /shutting down/);
  equal(worker().isEnded, true);
  await rejects(checker.check(BEFORE), /shutting down/);
  equal(time.timers.size, 0);
});
