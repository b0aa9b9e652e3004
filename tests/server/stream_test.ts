/** The body of a streaming answer: never ahead of its client, never silent for long, settled once. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/bytes.ts";
import type { Deadline } from "../../lib/base/clock.ts";
import { AditError, type ErrorKind } from "../../lib/base/errors.ts";
import { type ByteSource, streamBody, type StreamedCall } from "../../lib/server/stream.ts";
import { fakeTime } from "../fakes/time.ts";

const KEEPALIVE_MS = 15_000;
const TOTAL_MS = 600_000;
const PING = encodeUtf8("ping");

type Step = { readonly bytes: string } | { readonly error: Error } | { readonly end: true };

interface SetUp {
  readonly keepaliveMs?: number;
  /** Whether the response is read on when the client has left. */
  readonly drains?: boolean;
  readonly source?: Partial<ByteSource>;
}

/** A stream whose source yields what the test says, when the test says so. */
function setUp({ keepaliveMs = KEEPALIVE_MS, drains = false, source = {} }: SetUp = {}) {
  const time = fakeTime();
  const log: string[] = [];
  let asked = 0;
  let steps: Step[] = [];
  let wake = () => {};
  const scripted: ByteSource = {
    ping: () => PING,
    async next() {
      asked++;
      while (steps.length === 0) await new Promise<void>((resolve) => wake = resolve);
      const [step, ...rest] = steps;
      steps = rest;
      if (step === undefined || "end" in step) return undefined;
      if ("error" in step) throw step.error;
      return encodeUtf8(step.bytes);
    },
    failure: (error) => encodeUtf8(`failed: ${error.kind}`),
    ...source,
  };
  let deadline: Deadline | undefined;
  let onLeft = () => {};
  let written = 0;
  const call: StreamedCall = {
    end: (error) => void log.push(`end ${error.kind}`),
    leave() {
      if (drains) onLeft();
      else call.end(new AditError("client_gone"));
      return drains;
    },
    onLeft: (callback) => void (onLeft = callback),
    drained: () => void log.push("drained"),
    wrote: (bytes) => void (written += bytes),
    onOverdue(callback: () => void) {
      deadline = time.timers.after(TOTAL_MS, callback);
    },
    settle(error?: AditError) {
      deadline?.cancel();
      log.push(`settle ${error?.kind ?? "well"}`);
    },
  };
  const body = streamBody(scripted, call, { timers: time.timers, keepaliveMs });
  const reader = body.getReader();
  return {
    ...time,
    log,
    reader,
    written: () => written,
    leave: () => onLeft(),
    give(...more: Step[]) {
      steps.push(...more);
      wake();
    },
    get asked() {
      return asked;
    },
    async read() {
      const { done, value } = await reader.read();
      return done ? undefined : decodeUtf8(value);
    },
    async readToEnd() {
      const texts: string[] = [];
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return texts;
        texts.push(decodeUtf8(value));
      }
    },
  };
}

/** Lets everything that is ready to run do so. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("chunks are sent in order, one write each, and the call is settled once", async () => {
  const stream = setUp();
  stream.give({ bytes: "a" }, { bytes: "b" }, { end: true });
  deepEqual(await stream.readToEnd(), ["a", "b"]);
  deepEqual(stream.log, ["settle well"]);
  equal(stream.timers.size, 0);
});

Deno.test("the source is only read when the client reads", async () => {
  const stream = setUp();
  stream.give({ bytes: "a" }, { bytes: "b" });
  await settle();
  equal(stream.asked, 0);
  await stream.read();
  await settle();
  equal(stream.asked, 1);
  await stream.read();
  await settle();
  equal(stream.asked, 2);
});

Deno.test("a waiting client is sent pings, and then the data", async () => {
  const stream = setUp();
  const texts: (string | undefined)[] = [];
  for (let round = 0; round < 3; round++) {
    const reading = stream.read();
    await settle();
    stream.advance(KEEPALIVE_MS + 100);
    texts.push(await reading);
  }
  stream.give({ bytes: "a" }, { end: true });
  texts.push(...await stream.readToEnd());
  deepEqual(texts, ["ping", "ping", "ping", "a"]);
});

Deno.test("each chunk restarts the idle time", async () => {
  const stream = setUp();
  for (let round = 0; round < 5; round++) {
    const reading = stream.read();
    await settle();
    stream.advance(KEEPALIVE_MS - 100);
    stream.give({ bytes: "a" });
    equal(await reading, "a");
  }
});

Deno.test("a client that does not read is sent no pings", async () => {
  const stream = setUp();
  stream.give({ bytes: "a" });
  equal(await stream.read(), "a");
  stream.advance(10 * KEEPALIVE_MS);
  stream.give({ bytes: "b" }, { end: true });
  deepEqual(await stream.readToEnd(), ["b"]);
});

Deno.test("a client that stops reading while the source is silent finds one ping at most", async () => {
  const stream = setUp();
  const reading = stream.read();
  await settle();
  stream.advance(10 * KEEPALIVE_MS);
  equal(await reading, "ping");
  stream.give({ bytes: "a" }, { end: true });
  deepEqual(await stream.readToEnd(), ["ping", "a"]);
});

const SILENT: Readonly<Record<string, SetUp>> = {
  "a keepalive of 0": { keepaliveMs: 0 },
  "a dialect without a ping": { source: { ping: undefined } },
};

for (const [name, options] of Object.entries(SILENT)) {
  Deno.test(`${name} sends no pings`, async () => {
    const stream = setUp(options);
    const texts = stream.readToEnd();
    await settle();
    stream.advance(10 * KEEPALIVE_MS);
    stream.give({ bytes: "a" }, { end: true });
    deepEqual(await texts, ["a"]);
    equal(stream.timers.size, 0);
  });
}

const FAILURES: readonly (readonly [thrown: Error, texts: readonly string[], settled: ErrorKind])[] = [
  [new AditError("rate_limited"), ["a", "failed: rate_limited"], "rate_limited"],
  [new AditError("draining"), ["a", "failed: draining"], "draining"],
  [new TypeError("bug"), ["a", "failed: internal"], "internal"],
  [new AditError("client_gone"), ["a"], "client_gone"],
];

for (const [thrown, texts, settled] of FAILURES) {
  Deno.test(`a source that throws ${settled} is the end: ${JSON.stringify(texts)}`, async () => {
    const stream = setUp();
    stream.give({ bytes: "a" }, { error: thrown });
    deepEqual(await stream.readToEnd(), texts);
    deepEqual(stream.log, [`settle ${settled}`]);
    equal(stream.timers.size, 0);
    stream.advance(10 * KEEPALIVE_MS);
    equal(await stream.read(), undefined);
  });
}

Deno.test("an error that cannot be put into words still settles the call, and cuts the connection", async () => {
  const stream = setUp({
    source: {
      failure: () => {
        throw new TypeError("bug");
      },
    },
  });
  stream.give({ error: new AditError("rate_limited") });
  await rejects(stream.readToEnd(), TypeError);
  deepEqual(stream.log, ["settle rate_limited"]);
  equal(stream.timers.size, 0);
});

Deno.test("a client that leaves while it waits ends the call, and is settled once", async () => {
  for (const last of [{ bytes: "late" }, { end: true }, { error: new AditError("client_gone") }] as const) {
    const stream = setUp();
    const reading = stream.read();
    await settle();
    await stream.reader.cancel();
    equal(await reading, undefined);
    stream.give(last);
    await settle();
    deepEqual(stream.log, ["end client_gone", "settle client_gone"]);
    equal(stream.timers.size, 0);
  }
});

Deno.test("a client that leaves between two reads, or before the first, ends the call", async () => {
  for (const reads of [0, 1]) {
    const stream = setUp();
    stream.give({ bytes: "a" });
    for (let round = 0; round < reads; round++) await stream.read();
    await stream.reader.cancel();
    deepEqual(stream.log, ["end client_gone", "settle client_gone"]);
    equal(stream.asked, reads);
    equal(stream.timers.size, 0);
  }
});

Deno.test("a client that leaves with the last event has the whole response: it is settled well, at its end", async () => {
  for (const last of [{ end: true }, { error: new AditError("timeout") }] as const) {
    for (const drains of [false, true]) {
      const stream = setUp({ drains, source: { isDelivered: () => true } });
      stream.give({ bytes: "all of it" });
      await stream.read();
      void stream.read();
      await settle();
      await stream.reader.cancel();
      deepEqual(stream.log, []);
      stream.give(last);
      await settle();
      deepEqual(stream.log, ["settle well"]);
      equal(stream.timers.size, 0);
    }
  }
});

Deno.test("what breaks off after the last event is no error, not even the client's leaving", async () => {
  for (const error of [new AditError("client_gone"), new AditError("upstream_protocol")]) {
    const stream = setUp({ source: { isDelivered: () => true } });
    stream.give({ bytes: "all of it" }, { error });
    deepEqual(await stream.readToEnd(), ["all of it"]);
    deepEqual(stream.log, ["settle well"]);
  }
});

Deno.test("a client that does not read until the deadline of the request is given up", async () => {
  const stream = setUp();
  stream.give({ bytes: "a" });
  await stream.read();
  stream.advance(TOTAL_MS - 100);
  deepEqual(stream.log, []);
  stream.advance(200);
  deepEqual(stream.log, ["end client_gone", "settle client_gone"]);
  await rejects(stream.read());
  equal(stream.timers.size, 0);
});

Deno.test("a client that leaves while more is awaited: the rest is read as it comes, and then settled", async () => {
  const { reader, give, log, written } = setUp({ drains: true });
  give({ bytes: "one" });
  await reader.read();
  void reader.read();
  await settle();
  await reader.cancel();
  deepEqual(log, []);
  give({ bytes: "two" }, { bytes: "three" }, { end: true });
  await settle();
  deepEqual([log, written()], [["drained", "settle client_gone"], 11]);
});

Deno.test("a client that leaves while nothing is awaited: the rest is read at once, and only once", async () => {
  const { reader, give, log, leave } = setUp({ drains: true });
  give({ bytes: "one" }, { bytes: "two" }, { end: true });
  await reader.read();
  leave();
  leave();
  await reader.cancel();
  await settle();
  deepEqual(log, ["drained", "settle client_gone"]);
});

Deno.test("what breaks off for nobody is settled as left, and not as read", async () => {
  const { reader, give, log } = setUp({ drains: true });
  give({ bytes: "one" }, { error: new AditError("stream_truncated") });
  await reader.read();
  await reader.cancel();
  await settle();
  deepEqual(log, ["settle client_gone"]);
});
