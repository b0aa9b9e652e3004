/** Key pairs that are kept and renewed, with a clock that the tests set. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { setImmediate } from "node:timers";
import { CredentialRefresher } from "../../../lib/aws/keys/credential_refresher.ts";
import type { KeyPair } from "../../../lib/aws/keys/key_pair.ts";
import { keyPair, keySearch } from "../../fakes/key_search.ts";
import { fakeTime, START_MS } from "../../fakes/time.ts";
import { Random } from "../../suites/random.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Lets everything that is ready to run do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const time = fakeTime({ tickMs: SECOND });
  const search = keySearch();
  const told: string[] = [];
  const refresher = new CredentialRefresher({
    find: search.find,
    clock: time.clock,
    schedule(delayMs, fire) {
      const deadline = time.timers.after(delayMs, fire);
      return () => deadline.cancel();
    },
    onFound: ({ accessKeyId }) => told.push(`found ${accessKeyId}`),
    onFailed: (reason, held) =>
      told.push(`${reason}, ${held === undefined ? "nothing" : held.accessKeyId} held`),
  });
  return {
    ...time,
    search,
    told,
    refresher,
    /** Ends the search that `get` begins, and returns the pair. */
    async first(pair: KeyPair): Promise<KeyPair> {
      const got = refresher.get();
      search.end(pair);
      return await got;
    },
  };
}

/** The current state of a promise. */
async function stateOf(promise: Promise<KeyPair>): Promise<string> {
  let state = "waiting";
  promise.then(({ accessKeyId }) => state = accessKeyId, (error) => state = error.message);
  await settle();
  return state;
}

Deno.test("all requests without a key pair wait for one search", async () => {
  const { refresher, search, told } = setUp();
  const both = [refresher.get(), refresher.get()];
  search.end(keyPair("A"));
  deepEqual((await Promise.all(both)).map(({ accessKeyId }) => accessKeyId), ["A", "A"]);
  deepEqual([search.count, told], [1, ["found A"]]);
});

Deno.test("a pair that does not expire is searched for once", async () => {
  const { refresher, search, first, advance, timers } = setUp();
  await first(keyPair("A"));
  advance(48 * HOUR);
  equal(await stateOf(refresher.get()), "A");
  deepEqual([search.count, timers.size], [1, 0]);
});

Deno.test("a pair is renewed in the background five minutes before it expires", async () => {
  const { refresher, search, first, advance } = setUp();
  await first(keyPair("A", START_MS + HOUR));
  advance(55 * MINUTE - SECOND);
  equal(search.count, 1);
  advance(2 * SECOND);
  equal(search.count, 2);
  equal(await stateOf(refresher.get()), "A");
  search.end(keyPair("B", START_MS + 2 * HOUR));
  await settle();
  equal(await stateOf(refresher.get()), "B");
  advance(55 * MINUTE);
  equal(search.count, 2);
});

Deno.test("a short-lived pair is renewed at half its lifetime", async () => {
  const { search, first, advance } = setUp();
  await first(keyPair("A", START_MS + 4 * MINUTE));
  advance(2 * MINUTE - SECOND);
  equal(search.count, 1);
  advance(2 * SECOND);
  equal(search.count, 2);
});

Deno.test("a failed renewal is retried every ten seconds, and the old pair stays in use until it expires", async () => {
  const { refresher, search, first, advance, told } = setUp();
  await first(keyPair("A", START_MS + HOUR));
  advance(55 * MINUTE);
  for (let tries = 2; tries < 5; tries++) {
    equal(search.count, tries);
    search.end(new Error("refused"));
    await settle();
    equal(await stateOf(refresher.get()), "A");
    equal(refresher.lastError, "refused");
    advance(10 * SECOND);
  }
  deepEqual(told.slice(1), ["refused, A held", "refused, A held", "refused, A held"]);
  search.end(keyPair("B", START_MS + 2 * HOUR));
  await settle();
  equal(refresher.lastError, undefined);
  equal(await stateOf(refresher.get()), "B");
});

Deno.test("once a pair has expired, requests wait, and a failed search is not repeated for ten seconds", async () => {
  const { refresher, search, first, advance, told } = setUp();
  await first(keyPair("A", START_MS + 20 * SECOND));
  advance(21 * SECOND);
  const waiting = refresher.get();
  equal(await stateOf(waiting), "waiting");
  search.end(new Error("refused"));
  await rejects(waiting, { message: "refused" });
  equal(told.at(-1), "refused, nothing held");
  const { count } = search;
  equal(await stateOf(refresher.get()), "refused");
  equal(search.count, count);
  advance(10 * SECOND);
  equal(await stateOf(refresher.get()), "waiting");
  equal(search.count, count + 1);
});

Deno.test("a hung search is abandoned after thirty seconds", async () => {
  const { refresher, search, advance } = setUp();
  const waiting = refresher.get();
  advance(31 * SECOND);
  equal(await stateOf(waiting), "the search took longer than 30 s");
  // Its late result is discarded.
  search.end(keyPair("LATE"));
  equal(await stateOf(refresher.get()), "the search took longer than 30 s");
});

Deno.test("while an abandoned search is running, no other is started, and requests fail with that reason", async () => {
  const { refresher, search, advance } = setUp();
  const waiting = refresher.get();
  advance(31 * SECOND);
  equal(await stateOf(waiting), "the search took longer than 30 s");
  for (let asked = 0; asked < 3; asked++) {
    advance(10 * SECOND);
    equal(
      await stateOf(refresher.get()),
      "the search started at 2026-11-20T09:00:00.000Z is still running; the next one waits for it",
    );
    equal(await refresher.renew(keyPair("A")), false);
  }
  equal(search.count, 1);
  search.end(new Error("killed"));
  await settle();
  advance(10 * SECOND);
  const again = refresher.get();
  search.end(keyPair("B"));
  equal(await stateOf(again), "B");
});

Deno.test("ten minutes after a search that never ends, another one is started", async () => {
  const { refresher, search, advance } = setUp();
  const waiting = refresher.get();
  advance(31 * SECOND);
  equal(await stateOf(waiting), "the search took longer than 30 s");
  advance(9 * MINUTE);
  ok((await stateOf(refresher.get())).includes("is still running"));
  advance(MINUTE);
  const again = refresher.get();
  equal(search.count, 2);
  search.open[1]?.find(keyPair("B"));
  equal(await stateOf(again), "B");
});

Deno.test("a background renewal does not start a second search while one is running", async () => {
  const { refresher, search, first, advance } = setUp();
  await first(keyPair("A", START_MS + HOUR));
  advance(55 * MINUTE);
  equal(search.count, 2);
  for (let second = 0; second < 120; second++) {
    advance(SECOND);
    await settle();
  }
  deepEqual([search.count, await stateOf(refresher.get())], [2, "A"]);
  ok(refresher.lastError?.includes("is still running"), refresher.lastError);
  search.end(keyPair("LATE", START_MS + HOUR));
  await settle();
  advance(10 * SECOND);
  equal(search.count, 3);
  search.end(keyPair("B", START_MS + 2 * HOUR));
  await settle();
  equal(await stateOf(refresher.get()), "B");
});

Deno.test("expired credentials are not used", async () => {
  const { refresher, search } = setUp();
  const waiting = refresher.get();
  search.end(keyPair("A", START_MS));
  equal(await stateOf(waiting), "the credentials found expired at 2026-11-20T09:00:00.000Z");
});

Deno.test("a pair that is about to expire is not searched for continuously", async () => {
  const { search, first, advance } = setUp();
  await first(keyPair("A", START_MS + 12 * SECOND));
  advance(9 * SECOND);
  equal(search.count, 1);
  advance(SECOND);
  equal(search.count, 2);
});

Deno.test("a search that finds the same pair is not reported, and repeated after half of the remaining time", async () => {
  const { search, first, advance, told } = setUp();
  const pair = keyPair("A", START_MS + HOUR);
  await first(pair);
  advance(55 * MINUTE);
  search.end(pair);
  await settle();
  advance(150 * SECOND - SECOND);
  equal(search.count, 2);
  advance(2 * SECOND);
  equal(search.count, 3);
  deepEqual(told, ["found A"]);
});

Deno.test("a pair refused as expired is renewed once for all requests that were refused", async () => {
  const { refresher, search, first } = setUp();
  const refused = await first(keyPair("A", START_MS + HOUR));
  const renewals = [refresher.renew(refused), refresher.renew(refused)];
  search.end(keyPair("B", START_MS + HOUR));
  deepEqual(await Promise.all(renewals), [true, true]);
  // Late, for a request that took long.
  equal(await refresher.renew(refused), true);
  equal(search.count, 2);
});

Deno.test("finding the refused pair again, or none, is not a renewal", async () => {
  const { refresher, search, first, advance } = setUp();
  const refused = await first(keyPair("A"));
  const same = refresher.renew(refused);
  search.end(keyPair("A"));
  equal(await same, false);
  equal(await refresher.renew(refused), false);
  equal(search.count, 2);
  advance(10 * SECOND);
  const failed = refresher.renew(refused);
  search.end(new Error("refused"));
  equal(await failed, false);
  equal(search.count, 3);
});

Deno.test("a closed refresher renews nothing by itself", async () => {
  const { refresher, search, first, advance, timers } = setUp();
  await first(keyPair("A", START_MS + HOUR));
  refresher.close();
  advance(59 * MINUTE);
  deepEqual([search.count, timers.size], [1, 0]);
  equal(await stateOf(refresher.get()), "A");
  void refresher.search();
  search.end(keyPair("B", START_MS + 2 * HOUR));
  await settle();
  equal(timers.size, 0);
});

Deno.test("in any order of events, a request gets the newest valid pair at once, and waits only if there is none", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const { refresher, search, advance, clock } = setUp();
    let newest: KeyPair | undefined;
    /** Advances time to the next search, but not far enough to abandon one that is running. */
    const pass = () => {
      const seconds = search.open.length > 0 ? random.below(5) : random.below(1200);
      for (let second = 0; second < seconds && search.open.length === 0; second++) advance(SECOND);
      if (search.open.length > 0) advance(seconds % 5 * SECOND);
    };
    const find = () => {
      newest = keyPair(`${seed}.${clock.now()}`, clock.now() + (1 + random.below(90)) * MINUTE);
      search.end(newest);
    };
    for (let step = 0; step < 100; step++) {
      if (search.open.length === 0) {
        if (random.below(20) === 0) void refresher.search();
        else pass();
      } else random.pick([pass, find, () => search.end(new Error("refused"))])();
      await settle();
      ok(search.open.length <= 1, `seed ${seed}: ${search.open.length} searches at once`);
      const isValid = newest !== undefined && clock.now() < (newest.expiresAtMs ?? 0);
      const state = await stateOf(refresher.get());
      if (isValid) equal(state, newest?.accessKeyId, `seed ${seed}, step ${step}`);
      else ok(["waiting", "refused"].includes(state), `seed ${seed}, step ${step}: ${state}`);
    }
    refresher.close();
  }
});
