/** Several threads serve as one, on either runtime: what counts holds for all, and a thread that dies or hangs is noticed. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { tmpdir } from "node:os";

import { emulatorConfig, keyHash } from "../e2e/configs.ts";
import type { Case } from "../runtime/case.ts";
import { DIED, REJECTED, RunningThreads, STARTED } from "./running_threads.ts";

/** A model whose answers never come. */
const NEVER = { never: "us.anthropic.claude-haiku-4-5-20251001-v1:0.fault-hang" };

/** A configuration whose caller has limits. */
function limited(limits: string, threads: number): string {
  return emulatorConfig(NEVER, `timeouts: { drain: 0s }\nthreads: ${threads}\n`)
    .replace(`models: ["*"]`, `models: ["*"], limits: ${limits}`);
}

function many(status: number, count: number): readonly number[] {
  return Array.from({ length: count }, () => status);
}

/** Models and callers that are many more than one message may hold. */
function large(threads: number, version: number): string {
  const models = Array.from(
    { length: 1_000 },
    (_, index) => [`model-${index}`, `amazon.nova-${index % 2 === version % 2 ? "lite" : "pro"}-v1:0`],
  );
  const callers = Array.from(
    { length: 500 },
    (_, index) =>
      `  caller-${index}: { key: "${keyHash(`${version} ${index}`)}", models: [claude, "nov*"] }\n`,
  );
  return `threads: ${threads}\n${emulatorConfig(Object.fromEntries(models))}${callers.join("")}`;
}

export const threadCases: readonly Case[] = [
  {
    name:
      "a large configuration reaches all threads in small messages, each of which is read before the next is sent",
    run: async (runtime) => {
      await using running = await RunningThreads.start(runtime, large(2, 0));
      await running.line(STARTED);
      const { messages } = running;
      const first = messages.pieces;
      ok(first > 2 * 2, `${first} pieces`);
      await running.write(large(2, 1));
      deepEqual(await running.reload(), []);
      deepEqual(await running.askOften(8, "model-999"), many(200, 8));
      ok(messages.pieces > first + 2 * 2, `${messages.pieces} pieces`);
      equal(messages.maxUnread, 1);
      deepEqual(messages.heavy, []);
    },
  },
  {
    name: "a rate holds for four threads together, and a reload of their number resets nothing",
    run: async (runtime) => {
      await using running = await RunningThreads.start(runtime, limited("{ requests: 12/h }", 4));
      await running.line(STARTED);
      deepEqual(await running.askOften(16), [...many(200, 12), ...many(429, 4)]);
      const { threads, requests, limits } = await running.status();
      deepEqual(threads.map(({ alive }) => alive), [true, true, true, true]);
      equal(requests.settled, 16);
      equal(limits.held, 0);
      for (const count of [2, 1, 3]) {
        await running.write(limited("{ requests: 12/h }", count));
        deepEqual(await running.reload(), []);
        deepEqual(await running.askOften(8), many(429, 8));
        equal((await running.status()).threads.length, count);
      }
    },
  },
  {
    name: "a thread that dies loses its own requests, what they held is returned, and it is replaced",
    run: async (runtime) => {
      await using running = await RunningThreads.start(runtime, limited("{ concurrent: 32 }", 2));
      await running.line(STARTED);
      const aborter = new AbortController();
      let lost = 0;
      const asked = Array.from({ length: 20 }, () =>
        running.ask("never", aborter.signal).catch(() => {
          if (!aborter.signal.aborted) lost++;
        }));
      await running.until((status) => status.requests_in_flight === 20);
      const from = running.lineCount;
      running.kill(0);
      const { thread, reason } = await running.line(DIED, from);
      equal(thread, 1);
      match(String(reason), /"?tell"?/);
      await running.line(STARTED, from);
      const status = await running.status();
      const left = status.requests_in_flight;
      ok(left > 0 && left < 20, String(left));
      equal(status.limits.held, left);
      equal(status.threads.length, 2);
      while (lost < 20 - left) await running.status();
      aborter.abort();
      await Promise.all(asked);
      equal(lost, 20 - left);
      await running.until(({ limits, requests_in_flight }) => limits.held + requests_in_flight === 0);
    },
  },
  {
    name: "while all threads are dead, the main thread serves",
    run: async (runtime) => {
      await using running = await RunningThreads.start(runtime, limited("{ concurrent: 8 }", 2));
      await running.line(STARTED);
      const from = running.lineCount;
      running.kill(0);
      running.kill(1);
      await running.line(DIED, from);
      // A connection that was made to a dead thread breaks.
      while (await running.ask().catch(() => 0) !== 200);
      await running.until(({ threads }) => threads.length === 2 && threads.every(({ thread }) => thread > 0));
      // One that was made while the main thread closed its socket, too.
      while (await running.ask().catch(() => 0) !== 200);
    },
  },
  {
    name: "a reload that one thread cannot prepare changes none",
    run: async (runtime) => {
      const config = (name: string, level: string) =>
        `log: { level: ${level} }\n` +
        emulatorConfig({ [name]: "amazon.nova-pro-v1:0" }, "timeouts: { drain: 0s }\nthreads: 2\n");
      await using running = await RunningThreads.start(runtime, config("first", "info"));
      await running.line(STARTED);
      await running.write(config("second", "error"));
      running.refuses = true;
      deepEqual(await running.reload(), ["no socket is left"]);
      await running.line(REJECTED);
      const from = running.lineCount;
      deepEqual(await running.askOften(12, "first"), many(200, 12));
      deepEqual(await running.askOften(12, "second"), many(404, 12));
      await running.until(({ requests }) => requests.settled === 24);
      deepEqual(await running.reload(), ["no socket is left"]);
      await running.line(REJECTED, from);
      equal(running.count("request", from), 24);
      running.refuses = false;
      deepEqual(await running.reload(), []);
      deepEqual(await running.askOften(12, "first"), many(404, 12));
      deepEqual(await running.askOften(12, "second"), many(200, 12));
    },
  },
  {
    name: "threads that start after a reload adds a ledger report no usage, like all others",
    run: async (runtime) => {
      await using running = await RunningThreads.start(runtime, limited("{ concurrent: 32 }", 2));
      await running.line(STARTED);
      await running.write(`state: { path: ${tmpdir()} }\n${limited("{ concurrent: 32 }", 4)}`);
      deepEqual(await running.reload(), []);
      deepEqual(await running.askUsageOften(24), many(501, 24));
    },
  },
  {
    name: "a thread that does not answer is named in the log and in the status, and so is its return",
    run: async (runtime) => {
      await using running = await RunningThreads.start(runtime, limited("{ concurrent: 8 }", 2));
      await running.line(STARTED);
      await running.until(({ threads }) => threads.length === 2);
      const from = running.lineCount;
      const goOn = running.hang();
      // It is asked within a second, and has not answered ten seconds later.
      await running.until(() => {
        running.skip(1_000);
        return running.lineCount > from;
      });
      const { thread, silent_s } = await running.line("a traffic thread does not answer", from);
      ok(Number(thread) > 0 && Number(silent_s) >= 10, `${thread} ${silent_s}`);
      const { threads } = await running.until((status) => status.threads.every(({ alive }) => !alive));
      ok(threads.every(({ silent_s = 0 }) => silent_s >= 10));
      goOn();
      await running.line("a traffic thread answers again", from);
      await running.until((status) => status.threads.every(({ alive }) => alive));
    },
  },
];
