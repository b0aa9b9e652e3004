/** Bodies of requests: bounded in size and time. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { discardBody, readBody } from "../../lib/server/body.ts";
import { ofKind } from "../fakes/errors.ts";
import { fakeTime } from "../fakes/time.ts";

type Chunk = Uint8Array<ArrayBuffer>;

function post(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request("http://adit.test/", { method: "POST", body, headers });
}

/** A body whose client sends what the test says. */
function slowBody() {
  let client: ReadableStreamDefaultController<Chunk> | undefined;
  let cancelled = false;
  const stream = new ReadableStream<Chunk>({
    start: (controller) => {
      client = controller;
    },
    cancel: () => {
      cancelled = true;
    },
  });
  return {
    stream,
    send: (text: string) => client?.enqueue(encodeUtf8(text)),
    close: () => client?.close(),
    lose: () => client?.error(new TypeError("connection reset")),
    get cancelled() {
      return cancelled;
    },
  };
}

/** Lets what has arrived be read. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function setUp(maxBytes = 10) {
  const time = fakeTime();
  return { ...time, bounds: { maxBytes, idleMs: 30_000, totalMs: 100_000, timers: time.timers } };
}

Deno.test("a body in pieces is given as one", async () => {
  const { bounds, timers } = setUp();
  const body = slowBody();
  const read = readBody(post(body.stream), bounds);
  body.send("01234");
  body.send("56789");
  body.close();
  deepEqual(await read, encodeUtf8("0123456789"));
  equal(timers.size, 0);
});

Deno.test("a request without a body has an empty one", async () => {
  const { bounds } = setUp();
  equal((await readBody(post(null), bounds)).length, 0);
});

Deno.test("a body that says it is too large is not read at all", async () => {
  const { bounds, timers } = setUp();
  const body = slowBody();
  const request = post(body.stream, { "content-length": "11" });
  await rejects(readBody(request, bounds), ofKind("body_too_large"));
  equal(request.bodyUsed, false);
  equal(timers.size, 0);
});

Deno.test("an unread body is cancelled; one that is being read is not", async () => {
  const unread = slowBody();
  discardBody(post(unread.stream));
  equal(unread.cancelled, true);

  const { bounds } = setUp();
  const body = slowBody();
  const request = post(body.stream);
  const read = readBody(request, bounds);
  discardBody(request);
  body.send("01234");
  body.close();
  equal((await read).length, 5);
  discardBody(post(null));
});

Deno.test("reading stops when a body turns out to be too large", async () => {
  const { bounds, timers } = setUp();
  const body = slowBody();
  const read = readBody(post(body.stream), bounds);
  body.send("0123456789");
  body.send("x");
  await rejects(read, ofKind("body_too_large"));
  equal(body.cancelled, true);
  equal(timers.size, 0);
});

Deno.test("a body of exactly the limit is accepted", async () => {
  const { bounds } = setUp();
  equal((await readBody(post("0123456789", { "content-length": "10" }), bounds)).length, 10);
});

/** Read chunk by chunk, or in one piece where the length is known. */
const LENGTHS: readonly Record<string, string>[] = [{}, { "content-length": "10" }];

Deno.test("a body that does not go on in time is request_timeout", async () => {
  for (const headers of LENGTHS) {
    const { bounds, timers, advance } = setUp();
    const body = slowBody();
    const read = readBody(post(body.stream, headers), bounds);
    body.send("01234");
    advance(30_100);
    await rejects(read, ofKind("request_timeout"));
    equal(timers.size, 0);
  }
});

Deno.test("a body of unknown length that does not go on in time is let go", async () => {
  const { bounds, advance } = setUp();
  const body = slowBody();
  const read = readBody(post(body.stream), bounds);
  advance(30_100);
  await rejects(read, ofKind("request_timeout"));
  equal(body.cancelled, true);
});

Deno.test("a long body that keeps arriving is accepted, within the total time of a request", async () => {
  const { bounds, advance } = setUp();
  const body = slowBody();
  const read = readBody(post(body.stream), bounds);
  for (const text of ["012", "345"]) {
    body.send(text);
    await settled();
    advance(20_000);
  }
  body.close();
  equal((await read).length, 6);

  const endless = slowBody();
  const late = rejects(readBody(post(endless.stream), bounds), ofKind("request_timeout"));
  for (let sent = 0; sent < 6; sent++) {
    endless.send("0");
    await settled();
    advance(20_000);
  }
  await late;
});

Deno.test("a client that is lost in mid-body is client_gone", async () => {
  for (const headers of LENGTHS) {
    const { bounds, timers } = setUp();
    const body = slowBody();
    const read = readBody(post(body.stream, headers), bounds);
    body.send("01234");
    body.lose();
    await rejects(read, ofKind("client_gone"));
    equal(timers.size, 0);
  }
});

/** Whether a body of a known length is still awaited after that time without a byte. */
async function isAwaited(
  ms: number,
  length: number,
  bounds: Partial<Parameters<typeof readBody>[1]> = {},
): Promise<boolean> {
  const time = fakeTime();
  let failed = false;
  const request = post(slowBody().stream, { "content-length": String(length) });
  const given = { maxBytes: 10_000_000, idleMs: 30_000, totalMs: 100_000, timers: time.timers };
  readBody(request, { ...given, ...bounds }).catch(() => failed = true);
  time.advance(ms);
  await settled();
  return !failed;
}

for (const length of [1, 1_000, 65_536, 65_537, 1_000_000, 9_000_000]) {
  for (const onBytes of [undefined, () => {}]) {
    const name = `${length} bytes${onBytes === undefined ? "" : " that are counted"}`;
    Deno.test(`a body of ${name} that stops has the documented time, and no more than the request`, async () => {
      const isWhole = length <= (onBytes === undefined ? 1_048_576 : 65_536);
      const withinMs = 30_000 + (isWhole ? length / 8 : 0);
      const bounds = { ...(onBytes !== undefined && { onBytes }), totalMs: 1_000_000 };
      deepEqual([
        await isAwaited(withinMs - 1_000, length, bounds),
        await isAwaited(withinMs + 200, length, bounds),
        await isAwaited(19_000, length, { ...bounds, totalMs: 20_000 }),
        await isAwaited(20_200, length, { ...bounds, totalMs: 20_000 }),
      ], [true, false, true, false]);
    });
  }
}

Deno.test("a long body of known length that keeps arriving may take longer than a silence", async () => {
  const { bounds, advance } = setUp(3_000_000);
  const body = slowBody();
  const read = readBody(post(body.stream, { "content-length": "2000000" }), bounds);
  for (let sent = 0; sent < 4; sent++) {
    body.send("x".repeat(500_000));
    await settled();
    advance(20_000);
  }
  body.close();
  equal((await read).length, 2_000_000);
});
