/** One request in flight: ended at any time, settled once, logged once. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { AditError } from "../../lib/base/errors.ts";
import { jsonAnswer } from "../../lib/gateway/outcome.ts";
import { startCall } from "../fakes/call.ts";
import { ofKind } from "../fakes/errors.ts";

Deno.test("a call is settled once, and later events change nothing", async () => {
  const { call, settledTimes, lines } = startCall();
  call.settle(new AditError("rate_limited"), { status: 429, ignored: [] });
  call.settle();
  call.end(new AditError("draining"));
  equal(settledTimes(), 1);
  deepEqual((await lines()).map(({ status, error }) => [status, error]), [[429, "rate_limit_exceeded"]]);
});

Deno.test("a call that was ended opens no further exchange", () => {
  const { call, open, timers } = startCall();
  call.end(new AditError("client_gone"));
  call.end(new AditError("draining"));
  throws(open, ofKind("client_gone"));
  call.settle();
  equal(timers.size, 0);
});

Deno.test("a call that is ended ends its exchange", async () => {
  const { call, open } = startCall();
  const exchange = open();
  call.end(new AditError("draining"));
  await rejects(exchange.head(), ofKind("draining"));
});

Deno.test("a failed call leaves no exchange open", async () => {
  const { call, open, bedrock, timers } = startCall();
  const exchange = open();
  (await bedrock.call(0)).answer(200);
  await exchange.head();
  call.settle(new AditError("internal"), { status: 500, ignored: [] });
  equal(timers.size, 0);
  equal((await bedrock.call(0)).init.signal.aborted, true);
});

Deno.test("the time to the first byte counts from the arrival of the request, and only once", async () => {
  const { call, advance, lines } = startCall();
  advance(40);
  call.began(jsonAnswer({}));
  advance(60);
  call.began(jsonAnswer({}));
  call.settle();
  const [line] = await lines();
  deepEqual([line?.["first_byte_ms"], line?.["duration_ms"]], [40, 100]);
});

Deno.test("a long path is cut short in the log", async () => {
  const { call, lines } = startCall({ path: `/${"x".repeat(10_000)}` });
  call.settle();
  ok(String((await lines())[0]?.["path"]).length <= 256);
});

Deno.test("the log line has the level of the error, and its cause", async () => {
  const { call, lines } = startCall();
  call.settle(
    new AditError("upstream_unreachable", undefined, { cause: new TypeError("connection refused") }),
    { status: 502, ignored: [] },
  );
  const [line] = await lines();
  deepEqual([line?.["level"], line?.["cause"]], ["warn", "TypeError: connection refused"]);
});

Deno.test("the log includes the cause of a cause", async () => {
  const { call, lines } = startCall();
  const refused = new Error("connection refused");
  call.settle(
    new AditError("upstream_unreachable", undefined, {
      cause: new TypeError("fetch failed", { cause: refused }),
    }),
    { status: 502, ignored: [] },
  );
  const [line] = await lines();
  equal(line?.["cause"], "TypeError: fetch failed: Error: connection refused");
});

Deno.test("one deadline covers the whole call, however many attempts it takes", async () => {
  const { call, open, bedrock, advance } = startCall();
  open();
  (await bedrock.call(0)).answerWhole(503, "");
  advance(400_000);
  const second = open();
  const body = (await bedrock.call(1)).answer(200);
  await second.head();
  for (; call.remainingMs > 10_000; advance(10_000)) {
    body.push(encodeUtf8("x"));
    await second.read();
  }
  const late = second.read();
  advance(10_000);
  await rejects(late, /^AditError: the model's response did not finish within 600 s$/);
});

Deno.test("the next attempt ends the exchange of an earlier one", async () => {
  const { open, bedrock } = startCall();
  open();
  const first = await bedrock.call(0);
  open();
  equal(first.init.signal.aborted, true);
});

Deno.test("a stream whose client does not read is told about the deadline", () => {
  const { call, advance } = startCall();
  let overdue = false;
  call.onOverdue(() => overdue = true);
  advance(599_950);
  equal(overdue, false);
  advance(100);
  equal(overdue, true);
});
