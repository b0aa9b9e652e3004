/** The logger: one line for each event, batches, a bound, and a writer that may be slow or broken. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { createLogger, type LoggerOptions } from "../../../lib/base/log/log.ts";
import { fakeTime, START_MS } from "../../fakes/time.ts";

const { clock } = fakeTime();

interface Batches {
  readonly texts: string[];
  /** Lets the write that is waiting go on. */
  release(): void;
  /** Resolves when `count` writes have begun. */
  begun(count: number): Promise<void>;
}

/** A writer that accepts nothing until it is released. */
function slowWriter(): Batches & { readonly write: (text: string) => Promise<void> } {
  const texts: string[] = [];
  let release = () => {};
  let wake = () => {};
  return {
    texts,
    release: () => release(),
    async begun(count) {
      while (texts.length < count) await new Promise<void>((resolve) => wake = resolve);
    },
    write(text) {
      texts.push(text);
      wake();
      return new Promise((resolve) => release = resolve);
    },
  };
}

function collect(options: Partial<LoggerOptions> = {}) {
  const texts: string[] = [];
  const logger = createLogger((text) => {
    texts.push(text);
    return Promise.resolve();
  }, { clock, ...options });
  return { logger, texts, lines: () => linesOf(texts) };
}

function linesOf(texts: readonly string[]): Record<string, unknown>[] {
  return texts.join("").trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("a line holds time, level, message and the fields that have a value", async () => {
  const { logger, lines } = collect();
  logger.log("info", "request", { status: 200, caller: undefined, note: 'a "b"\nc' });
  await logger.flush();
  deepEqual(lines(), [{
    time: new Date(START_MS).toISOString(),
    level: "info",
    message: "request",
    status: 200,
    note: 'a "b"\nc',
  }]);
});

Deno.test("lines below the level are left out, and the level can be changed", async () => {
  const { logger, lines } = collect({ level: "warn" });
  logger.log("info", "one");
  logger.log("warn", "two");
  logger.level = "debug";
  logger.log("debug", "three");
  await logger.flush();
  deepEqual(lines().map((line) => line["message"]), ["two", "three"]);
});

Deno.test("the lines of a burst share one write, and those logged meanwhile make the next", async () => {
  const writer = slowWriter();
  const logger = createLogger(writer.write, { clock });
  logger.log("info", "one");
  logger.log("info", "two");
  await writer.begun(1);
  logger.log("info", "three");
  writer.release();
  await writer.begun(2);
  writer.release();
  await logger.flush();
  deepEqual(writer.texts.map((text) => linesOf([text]).map((line) => line["message"])), [["one", "two"], [
    "three",
  ]]);
});

Deno.test("a reader that stalls costs lines, which are counted, and not memory", async () => {
  const writer = slowWriter();
  const logger = createLogger(writer.write, { clock, maxPendingChars: 1_000 });
  logger.log("info", "first");
  await writer.begun(1);
  for (let index = 0; index < 1_000; index++) logger.log("info", `line ${index}`);
  writer.release();
  await writer.begun(2);
  const [, second = ""] = writer.texts;
  ok(second.length < 1_500, `${second.length} characters`);
  const lines = linesOf([second]);
  const report = lines.at(-1) ?? {};
  equal(report["level"], "warn");
  equal(report["dropped"], 1_000 - (lines.length - 1));
  writer.release();
  await logger.flush();
});

Deno.test("a writer that fails loses its batch, and the next one is written", async () => {
  const texts: string[] = [];
  let fail = true;
  const logger = createLogger((text) => {
    if (fail) return Promise.reject(new Error("EPIPE"));
    texts.push(text);
    return Promise.resolve();
  }, { clock });
  logger.log("info", "lost");
  await logger.flush();
  fail = false;
  logger.log("info", "kept");
  await logger.flush();
  deepEqual(linesOf(texts).map((line) => line["message"]), ["kept"]);
});

Deno.test("characters that a viewer would act on are escaped, and the value stays", async () => {
  const { logger, texts } = collect();
  const value = "a\u001b[2J\u007f\u0085\u2028\u2029\u202e\u2066\u200b\ufeffz";
  logger.log("info", "m", { value });
  await logger.flush();
  const text = texts.join("");
  ok(/^[\x20-\x7e]*\n$/.test(text), text);
  equal(JSON.parse(text).value, value);
});

Deno.test("for systemd's journal, a line begins with its priority", async () => {
  const { logger, texts } = collect({ priorities: true, level: "debug" });
  for (const level of ["debug", "info", "warn", "error"] as const) logger.log(level, "m");
  await logger.flush();
  deepEqual(texts.join("").match(/^<\d>\{/gm), ["<7>{", "<6>{", "<4>{", "<3>{"]);
});
