/** The ledger's queue: batches, a file that cannot be written, and what is dropped. */

import assert from "node:assert/strict";
import { createLogger } from "../../lib/base/log/log.ts";
import { Ledger } from "../../lib/ledger/ledger.ts";
import type { FromLedger, LedgerPort, ToLedger } from "../../lib/ledger/messages.ts";
import type { RequestRecord } from "../../lib/snapshot/record.ts";
import type { BudgetRow } from "../../lib/snapshot/budget.ts";
import { fakeTime } from "../fakes/time.ts";
import { unpacked } from "../suites/ledger_rows.ts";

const SETTINGS = { path: "/state", requestDays: 30, hourDays: 400, maxBytes: 1e9, required: false };

const RECORD: RequestRecord = {
  requestId: "req_1",
  caller: "search",
  team: undefined,
  tags: { b: "2", a: "1" },
  remoteAddress: "192.0.2.7",
  method: "POST",
  path: "/v1/chat/completions",
  dialect: "openai",
  endpoint: undefined,
  userAgent: undefined,
  clientRequestId: undefined,
  trace: undefined,
  startedAtMs: 0,
  requestedModel: "haiku",
  insteadOf: undefined,
  drained: false,
  stream: false,
  hadChoice: false,
  overheadMs: undefined,
  shadowLimits: [],
  model: "haiku",
  provider: "east",
  target: undefined,
  attempts: [],
  passedOver: [],
  status: 200,
  durationMs: 5,
  firstByteMs: 2,
  usage: undefined,
  spent: undefined,
  cost: { nano: undefined, price: undefined },
  modelId: "m",
  region: "us-east-1",
  limit: undefined,
  stopReason: undefined,
  upstreamRequestId: undefined,
  ignored: [],
  anomalies: [],
  error: undefined,
  logged: true,
};

async function open() {
  const time = fakeTime();
  const sent: ToLedger[] = [];
  const log: string[] = [];
  let receive: (message: FromLedger) => void = () => {};
  const port: LedgerPort = {
    send: (message) => sent.push(message),
    onMessage: (callback) => receive = callback,
    onEnd: () => {},
    terminate: () => {},
  };
  const logger = createLogger((text) => {
    log.push(text);
    return Promise.resolve();
  }, { clock: time.clock });
  const opening = Ledger.open({ startThread: () => port, ...time, logger, settings: SETTINGS });
  receive({ kind: "opened", budgets: { rows: [], definitions: undefined }, copy: undefined });
  const { ledger } = await opening;
  const batches = () => sent.flatMap((message) => message.kind === "write" ? [message.batch.rows] : []);
  return {
    time,
    ledger,
    sent,
    batches,
    log,
    flushLog: () => logger.flush(),
    say: (message: FromLedger) => receive(message),
  };
}

Deno.test("rows wait for a quarter of a second, and are written in one batch", async () => {
  const { time, ledger, batches } = await open();
  for (let count = 0; count < 3; count++) ledger.add(RECORD);
  assert.deepEqual(batches(), []);
  time.advance(300);
  const [rows = [], ...more] = batches().map(unpacked);
  assert.deepEqual([rows.length, more], [3, []]);
  const [row] = rows;
  assert.deepEqual([row?.costNano, row?.tags], [null, '{"a":"1","b":"2"}']);
});

Deno.test("2,000 rows are written at once, one batch after another", async () => {
  const { time, ledger, batches, say } = await open();
  for (let count = 0; count < 5_000; count++) ledger.add({ ...RECORD, requestId: `req_${count}` });
  assert.deepEqual(batches().map(({ count }) => count), [2_000]);
  say({ kind: "written" });
  assert.deepEqual(batches().map(({ count }) => count), [2_000, 2_000]);
  say({ kind: "written" });
  time.advance(300);
  assert.deepEqual(batches().map(({ count }) => count), [2_000, 2_000, 1_000]);
  assert.deepEqual(
    batches().map(({ requestIds }) => requestIds).join(""),
    Array.from({ length: 5_000 }, (_, count) => `req_${count} `).join(""),
  );
});

Deno.test("a batch that cannot be written is retried, and rows beyond the limit are dropped and counted", async () => {
  const { time, ledger, batches, say, log, flushLog } = await open();
  for (let count = 0; count < 2_000; count++) ledger.add(RECORD);
  say({ kind: "not written", message: "database or disk is full" });
  for (let count = 0; count < 20_010; count++) ledger.add(RECORD);
  assert.deepEqual(ledger.status, {
    path: "/state",
    written: 0,
    queued: 22_000,
    dropped: 10,
    error: "database or disk is full",
  });
  time.advance(1_100);
  assert.equal(batches().length, 2);
  assert.equal(batches()[1], batches()[0]);
  say({ kind: "written" });
  assert.equal(ledger.status.error, undefined);
  assert.equal(ledger.status.written, 2_000);
  await flushLog();
  assert.equal(log.join("").match(/usage is not written to the ledger/g)?.length, 1);
});

Deno.test("rows that cannot be written at shutdown are reported as missing", async () => {
  const { time, ledger, say, log, flushLog } = await open();
  for (let count = 0; count < 3; count++) ledger.add(RECORD);
  time.advance(300);
  say({ kind: "not written", message: "no such file" });
  ledger.add(RECORD);
  const closing = ledger.close();
  say({ kind: "closed" });
  await closing;
  await flushLog();
  const [{ queued } = {}, { message, requests, error } = {}] = log.join("").trim().split("\n").slice(-2)
    .map((line) => JSON.parse(line));
  assert.equal(queued, 3, "the batch that was being written counts, too");
  assert.deepEqual([message, requests, error], [
    "requests are missing from the ledger, which could not be written",
    4,
    "no such file",
  ]);
});

Deno.test("a clock jump changes the time of rows and nothing else", async () => {
  const { time, ledger, batches } = await open();
  const nowMs = time.clock.now();
  ledger.add(RECORD);
  time.setClock(nowMs - 3_600_000);
  ledger.add(RECORD);
  time.setClock(nowMs + 86_400_000);
  ledger.add(RECORD);
  time.advance(300);
  const [rows = []] = batches().map(unpacked);
  assert.deepEqual(rows.map(({ atMs }) => atMs - nowMs), [0, -3_600_000, 86_400_000]);
});

Deno.test("a flush also waits for changed budgets, even if they change during a write", async () => {
  const { ledger, sent, say } = await open();
  let changed: BudgetRow[] = [];
  ledger.persist(() => changed.splice(0));
  const budget = (spent: bigint): BudgetRow => ({
    name: "b",
    subject: "",
    windowStartMs: 0,
    windowEndMs: null,
    spent,
    held: 0n,
    requests: 1,
    alerted: 0,
  });
  const spends = () =>
    sent.flatMap((message) =>
      message.kind === "write" ? message.batch.budgets.map(({ spent }) => spent) : []
    );
  changed = [budget(1n)];
  ledger.touch();
  let isFlushed = false;
  const flushed = ledger.flush().then(() => isFlushed = true);
  assert.deepEqual(spends(), [1n]);
  changed = [budget(2n)];
  ledger.touch();
  say({ kind: "written" });
  assert.deepEqual(spends(), [1n, 2n]);
  await Promise.resolve();
  assert.equal(isFlushed, false);
  say({ kind: "written" });
  await flushed;
});
