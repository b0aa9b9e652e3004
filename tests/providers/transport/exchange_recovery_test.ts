/** Signing before an exchange and once more after a refusal, and early ends of both. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Refusal } from "../../../lib/aws/keys/authenticator.ts";
import { AditError } from "../../../lib/base/errors.ts";
import { ofKind } from "../../fakes/errors.ts";
import { startExchange } from "../../fakes/exchange.ts";
import { TIMEOUTS } from "../../fakes/snapshot.ts";

/** Signs each request with its number, and recovers as the test says. */
function setUp(recover: (refusal: Refusal) => Promise<boolean>) {
  let signatures = 0;
  const refusals: Refusal[] = [];
  const started = startExchange({
    sign: () => Promise.resolve(new Headers({ signature: String(++signatures) })),
    recover(refusal) {
      refusals.push(refusal);
      return recover(refusal);
    },
  });
  return { ...started, refusals };
}

Deno.test("a recoverable refusal is signed and sent again, and only the second response counts", async () => {
  const { exchange, upstream, refusals, timers } = setUp(() => Promise.resolve(true));
  const refused = (await upstream.call(0)).answer(403, { "x-amzn-errortype": "ExpiredTokenException" });
  const second = await upstream.call(1);
  equal(second.init.headers.get("signature"), "2");
  equal(refused.cancelled, true);
  second.answerWhole(200, "whole");
  equal((await exchange.head()).status, 200);
  equal((await exchange.readAll(10)).length, 5);
  deepEqual(refusals.map(({ sent, headers }) => [sent.get("signature"), headers.get("x-amzn-errortype")]), [
    ["1", "ExpiredTokenException"],
  ]);
  equal(timers.size, 0);
});

Deno.test("a second refusal is returned", async () => {
  const { exchange, upstream, refusals } = setUp(() => Promise.resolve(true));
  (await upstream.call(0)).answerWhole(403, "first");
  (await upstream.call(1)).answerWhole(403, "second");
  equal((await exchange.head()).status, 403);
  equal((await exchange.readAll(10)).length, "second".length);
  deepEqual([refusals.length, upstream.calls.length], [1, 2]);
});

Deno.test("a refusal that is not recoverable is passed on unchanged", async () => {
  const { exchange, upstream } = setUp(() => Promise.resolve(false));
  (await upstream.call(0)).answerWhole(403, "refused");
  equal((await exchange.head()).status, 403);
  equal((await exchange.readAll(10)).length, "refused".length);
  equal(upstream.calls.length, 1);
});

Deno.test("successes and errors of the service are not refusals", async () => {
  for (const status of [200, 302, 500, 503]) {
    const { exchange, upstream, refusals } = setUp(() => Promise.resolve(true));
    (await upstream.call(0)).answerWhole(status, "answer");
    equal((await exchange.head()).status, status);
    equal(refusals.length, 0);
    await exchange.readAll(10);
  }
});

Deno.test("an exchange that is ended while it waits for credentials ends at once", async () => {
  const never = new Promise<never>(() => {});
  const { exchange, upstream, timers, advance } = startExchange({ sign: () => never });
  advance(TIMEOUTS.firstByteMs);
  await rejects(exchange.head(), ofKind("timeout"));
  deepEqual([upstream.calls.length, timers.size], [0, 0]);

  const asked = Promise.withResolvers<void>();
  const recovering = setUp(() => {
    asked.resolve();
    return never;
  });
  (await recovering.upstream.call(0)).answer(403);
  await asked.promise;
  recovering.exchange.end(new AditError("client_gone"));
  await rejects(recovering.exchange.head(), ofKind("client_gone"));
  deepEqual([recovering.upstream.calls.length, recovering.timers.size], [1, 0]);
});

Deno.test("a probe of the first connection that fails late does not end the second request", async () => {
  let conclude = (_reachable: boolean) => {};
  const { exchange, upstream, advance } = startExchange({
    recover: () => Promise.resolve(true),
    probe: () => new Promise((resolve) => conclude = resolve),
  });
  const first = await upstream.call(0);
  advance(TIMEOUTS.connectMs + 100);
  first.answerWhole(403, "refused");
  const second = await upstream.call(1);
  conclude(false);
  await Promise.resolve();
  equal(second.init.signal.aborted, false);
  second.answerWhole(200, "whole");
  equal((await exchange.head()).status, 200);
});

Deno.test("missing credentials end the exchange with their error", async () => {
  const { exchange, upstream, timers } = startExchange({
    sign: () => Promise.reject(new AditError("upstream_credentials")),
  });
  await rejects(exchange.head(), ofKind("upstream_credentials"));
  deepEqual([upstream.calls.length, timers.size], [0, 0]);
});
