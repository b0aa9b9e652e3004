/** One exchange: its deadlines, and every way of ending early, without leaving anything behind. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../../lib/base/bytes.ts";
import { AditError } from "../../../lib/base/errors.ts";
import { ofKind } from "../../fakes/errors.ts";
import { startExchange } from "../../fakes/exchange.ts";
import { TIMEOUTS } from "../../fakes/snapshot.ts";

const CHUNK = encodeUtf8("chunk");

/** Lets everything that is ready to run do so. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("the signed request is sent, and the response is read chunk by chunk", async () => {
  const { exchange, upstream, timers } = startExchange();
  const call = await upstream.call(0);
  equal(call.url, "http://upstream.test/model/m/converse");
  equal(call.init.method, "POST");
  equal(call.init.headers.get("signed"), "yes");
  equal(decodeUtf8(call.init.body ?? CHUNK), "{}");
  const body = call.answer(200, { "x-amzn-requestid": "r-1" });
  const head = await exchange.head();
  deepEqual([head.status, head.headers.get("x-amzn-requestid")], [200, "r-1"]);
  body.push(encodeUtf8("a"), encodeUtf8("b"));
  body.end();
  equal(decodeUtf8(await exchange.readAll(10)), "ab");
  equal(timers.size, 0);
});

Deno.test("a response without a body ends immediately", async () => {
  const { exchange, upstream, timers } = startExchange();
  (await upstream.call(0)).answerWhole(204, null);
  await exchange.head();
  equal(await exchange.read(), undefined);
  equal(timers.size, 0);
});

Deno.test("nothing is requested from the upstream before it is read", async () => {
  const { exchange, upstream } = startExchange();
  const body = (await upstream.call(0)).answer(200);
  body.push(CHUNK, CHUNK);
  await exchange.head();
  equal(body.pulls, 0);
  await exchange.read();
  equal(body.pulls, 1);
});

Deno.test("a connection that cannot be made is upstream_unreachable, with its reason kept", async () => {
  const { exchange, upstream, timers } = startExchange();
  const refused = new TypeError("connection refused");
  (await upstream.call(0)).fail(refused);
  await rejects(exchange.head(), (error: AditError) => {
    equal(error.details.cause, refused);
    return ofKind("upstream_unreachable")(error);
  });
  await rejects(exchange.read(), ofKind("upstream_unreachable"));
  equal(timers.size, 0);
});

Deno.test("a signer that fails leaves no deadline, and nothing is sent", async () => {
  const { exchange, upstream, timers } = startExchange({ sign: () => Promise.reject(new Error("no key")) });
  await rejects(exchange.head(), ofKind("internal"));
  equal(timers.size, 0);
  equal(upstream.calls.length, 0);
});

Deno.test("no response within the first-byte time is a timeout", async () => {
  const { exchange, upstream, timers, advance } = startExchange();
  const call = await upstream.call(0);
  advance(TIMEOUTS.firstByteMs - 50);
  equal(call.init.signal.aborted, false);
  advance(100);
  equal(call.init.signal.aborted, true);
  await rejects(exchange.head(), ofKind("timeout"));
  equal(timers.size, 0);
});

Deno.test("silence between two chunks longer than the idle time is a timeout; shorter ones are not", async () => {
  const { exchange, upstream, timers, advance } = startExchange();
  const body = (await upstream.call(0)).answer(200);
  await exchange.head();
  for (let round = 0; round < 5; round++) {
    const reading = exchange.read();
    advance(TIMEOUTS.idleMs - 100);
    body.push(CHUNK);
    equal((await reading)?.length, CHUNK.length);
  }
  const reading = exchange.read();
  advance(TIMEOUTS.idleMs + 100);
  await rejects(reading, ofKind("timeout"));
  equal(body.cancelled, true);
  equal(timers.size, 0);
});

Deno.test("a response of known length is read in one piece, and can be ended early", async () => {
  const begin = async () => {
    const started = startExchange();
    const body = (await started.upstream.call(0)).answer(200, { "content-length": "10" });
    await started.exchange.head();
    const whole = started.exchange.readAll(100);
    body.push(CHUNK);
    await body.pulled(2);
    return { ...started, body, whole };
  };
  const complete = await begin();
  complete.body.push(CHUNK);
  complete.body.end();
  equal(decodeUtf8(await complete.whole), "chunkchunk");

  const broken = await begin();
  broken.body.fail();
  await rejects(broken.whole, ofKind("stream_truncated"));

  const silent = await begin();
  silent.advance(TIMEOUTS.idleMs + 100);
  await rejects(silent.whole, ofKind("timeout"));

  const left = await begin();
  left.exchange.end(new AditError("client_gone"));
  await rejects(left.whole, ofKind("client_gone"));
  const call = await left.upstream.call(0);
  equal(call.init.signal.aborted, true);
  for (const { timers } of [complete, broken, silent, left]) equal(timers.size, 0);
});

Deno.test("a slow reader does not make the upstream count as silent", async () => {
  const { exchange, upstream, advance } = startExchange();
  const body = (await upstream.call(0)).answer(200);
  await exchange.head();
  body.push(CHUNK, CHUNK);
  await exchange.read();
  advance(3 * TIMEOUTS.idleMs);
  equal((await exchange.read())?.length, CHUNK.length);
  const reading = exchange.read();
  advance(TIMEOUTS.idleMs + 100);
  await rejects(reading, ofKind("timeout"));
});

Deno.test("an exchange that takes longer than the total time is a timeout", async () => {
  const { exchange, upstream, timers, advance } = startExchange();
  const body = (await upstream.call(0)).answer(200);
  await exchange.head();
  for (let elapsedMs = 0; elapsedMs < TIMEOUTS.totalMs; elapsedMs += 20_000) {
    advance(20_000);
    body.push(CHUNK);
    if (elapsedMs + 20_000 < TIMEOUTS.totalMs) await exchange.read();
  }
  advance(100);
  await rejects(exchange.read(), ofKind("timeout"));
  equal(timers.size, 0);
});

Deno.test("after the connect timeout, a host that accepts no connection is unreachable", async () => {
  const probes: [url: string, withinMs: number][] = [];
  const { exchange, upstream, timers, advance } = startExchange({
    probe: (url, withinMs) => {
      probes.push([url, withinMs]);
      return Promise.resolve(false);
    },
  });
  const call = await upstream.call(0);
  advance(TIMEOUTS.connectMs - 50);
  equal(probes.length, 0);
  advance(100);
  await rejects(exchange.head(), ofKind("upstream_unreachable"));
  deepEqual(probes, [["http://upstream.test/model/m/converse", TIMEOUTS.connectMs]]);
  equal(call.init.signal.aborted, true);
  equal(timers.size, 0);
});

Deno.test("a host that accepts connections may be as slow as the first-byte timeout allows", async () => {
  const { exchange, upstream, advance } = startExchange();
  const call = await upstream.call(0);
  advance(TIMEOUTS.connectMs + 100);
  await settle();
  advance(TIMEOUTS.connectMs + 100);
  call.answer(200);
  equal((await exchange.head()).status, 200);
});

Deno.test("a probe that fails after the response has begun does not end it", async () => {
  let conclude = (_reachable: boolean) => {};
  const { exchange, upstream, advance } = startExchange({
    probe: () => new Promise((resolve) => conclude = resolve),
  });
  const call = await upstream.call(0);
  advance(TIMEOUTS.connectMs + 100);
  const body = call.answer(200);
  await exchange.head();
  conclude(false);
  await settle();
  body.push(CHUNK);
  equal((await exchange.read())?.length, CHUNK.length);
});

Deno.test("without a probe only the first-byte time counts", async () => {
  const { exchange, upstream, advance } = startExchange({ probe: undefined });
  const call = await upstream.call(0);
  advance(TIMEOUTS.firstByteMs - 100);
  call.answer(200);
  equal((await exchange.head()).status, 200);
});

Deno.test("an exchange that is ended before it was sent is never sent", async () => {
  const { exchange, upstream, timers } = startExchange();
  exchange.end(new AditError("client_gone"));
  await rejects(exchange.head(), ofKind("client_gone"));
  equal(upstream.calls.length, 0);
  equal(timers.size, 0);
});

Deno.test("an exchange that is ended while it waits for its head is aborted", async () => {
  const { exchange, upstream, timers } = startExchange();
  const call = await upstream.call(0);
  exchange.end(new AditError("draining"));
  equal(call.init.signal.aborted, true);
  await rejects(exchange.head(), ofKind("draining"));
  equal(timers.size, 0);
});

Deno.test("a response to an aborted request is cancelled", async () => {
  let cancelled = false;
  const fetched = Promise.withResolvers<void>();
  const { exchange, timers } = startExchange({
    // A fetch that ignores its signal.
    fetch: async (_url, { signal }) => {
      fetched.resolve();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      return new Response(
        new ReadableStream({
          cancel: () => {
            cancelled = true;
          },
        }),
      );
    },
  });
  await fetched.promise;
  exchange.end(new AditError("client_gone"));
  await rejects(exchange.head(), ofKind("client_gone"));
  await settle();
  equal(cancelled, true);
  equal(timers.size, 0);
});

Deno.test("an exchange that is ended while it is read throws the reason, cancels, then aborts", async () => {
  const { exchange, upstream, timers } = startExchange();
  const call = await upstream.call(0);
  const body = call.answer(200);
  await exchange.head();
  const reading = exchange.read();
  let cancelledFirst = false;
  call.init.signal.addEventListener("abort", () => cancelledFirst = body.cancelled);
  exchange.end(new AditError("client_gone"));
  await rejects(reading, ofKind("client_gone"));
  await rejects(exchange.read(), ofKind("client_gone"));
  equal(call.init.signal.aborted, true);
  equal(cancelledFirst, true);
  equal(timers.size, 0);
});

Deno.test("an exchange throws the first error that ended it", async () => {
  const { exchange, upstream } = startExchange();
  (await upstream.call(0)).answer(200);
  await exchange.head();
  exchange.end(new AditError("client_gone"));
  exchange.end(new AditError("draining"));
  await rejects(exchange.read(), ofKind("client_gone"));
});

Deno.test("ending an exchange that has finished does nothing", async () => {
  const { exchange, upstream } = startExchange();
  const call = await upstream.call(0);
  call.answerWhole(200, "{}");
  await exchange.head();
  await exchange.readAll(10);
  exchange.end(new AditError("client_gone"));
  equal(call.init.signal.aborted, false);
  equal(await exchange.read(), undefined);
});

Deno.test("a connection that is lost during the response is stream_truncated", async () => {
  const { exchange, upstream, timers } = startExchange();
  const body = (await upstream.call(0)).answer(200);
  await exchange.head();
  body.push(CHUNK);
  equal((await exchange.read())?.length, CHUNK.length);
  body.fail();
  await rejects(exchange.read(), ofKind("stream_truncated"));
  equal(timers.size, 0);
});

Deno.test("a response that is too large is not read to its end", async () => {
  const { exchange, upstream, timers } = startExchange();
  const body = (await upstream.call(0)).answer(500);
  await exchange.head();
  body.push(...Array.from({ length: 100 }, () => new Uint8Array(1_000)));
  await rejects(exchange.readAll(10_000), ofKind("upstream_protocol"));
  equal(body.cancelled, true);
  ok(body.pulls <= 12, `${body.pulls} pulls`);
  equal(timers.size, 0);
});

Deno.test("a response cannot be read before its head, and is at its end once it has been read", async () => {
  const { exchange, upstream } = startExchange();
  await rejects(exchange.read(), ofKind("internal"));
  (await upstream.call(0)).answerWhole(200, "whole");
  await exchange.head();
  equal(decodeUtf8(await exchange.readAll(10)), "whole");
  equal((await exchange.readAll(10)).length, 0);
});

Deno.test("without a total timeout, an exchange lasts as long as its response, or until it is ended", async () => {
  const { totalMs: _, ...timeouts } = TIMEOUTS;
  const { exchange, upstream, timers, advance } = startExchange({ timeouts });
  const body = (await upstream.call(0)).answer(200);
  await exchange.head();
  for (let elapsedMs = 0; elapsedMs < 2 * TIMEOUTS.totalMs; elapsedMs += 20_000) {
    advance(20_000);
    body.push(CHUNK);
    equal((await exchange.read())?.length, CHUNK.length);
  }
  exchange.end(new AditError("timeout"));
  await rejects(exchange.read(), ofKind("timeout"));
  equal(timers.size, 0);
});

Deno.test("an exchange that nobody waits for ends silently", async () => {
  const { upstream, timers } = startExchange();
  (await upstream.call(0)).fail();
  await settle();
  equal(timers.size, 0);
});

const lost = (code: string) => Object.assign(new TypeError("socket closed"), { code });

Deno.test("a request on a dead connection is sent once more, with the same headers", async () => {
  for (const code of ["ECONNRESET", "EPIPE"]) {
    const { exchange, upstream } = startExchange();
    const first = await upstream.call(0);
    first.fail(lost(code));
    const second = await upstream.call(1);
    deepEqual([...second.init.headers], [...first.init.headers]);
    second.answerWhole(200, "{}");
    equal((await exchange.head()).status, 200);
  }
});

Deno.test("a request is not sent a third time, nor again after another kind of failure or a late one", async () => {
  const twice = startExchange();
  (await twice.upstream.call(0)).fail(lost("ECONNRESET"));
  (await twice.upstream.call(1)).fail(lost("ECONNRESET"));
  await rejects(twice.exchange.head(), ofKind("upstream_unreachable"));
  equal(twice.upstream.calls.length, 2);

  const refused = startExchange();
  (await refused.upstream.call(0)).fail(lost("ECONNREFUSED"));
  await rejects(refused.exchange.head(), ofKind("upstream_unreachable"));
  equal(refused.upstream.calls.length, 1);

  const late = startExchange();
  const call = await late.upstream.call(0);
  late.advance(1_050);
  call.fail(lost("ECONNRESET"));
  await rejects(late.exchange.head(), ofKind("upstream_unreachable"));
  equal(late.upstream.calls.length, 1);
});
