/** When a target rests, and how it returns. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { MemoryStore } from "../../lib/store/memory.ts";
import { AditError, type ErrorKind } from "../../lib/base/errors.ts";
import { order } from "../../lib/gateway/order.ts";
import { TargetHealth } from "../../lib/gateway/health/target_health.ts";
import { retryRule } from "../../lib/gateway/retry_rules.ts";
import type { Target } from "../../lib/snapshot/plan.ts";
import { modelTarget, provider } from "../fakes/snapshot.ts";
import { Random } from "../suites/random.ts";

const POLICY = { failures: 3, coolMs: 5_000, coolMaxMs: 120_000 };

function targetIn(region: string): Target {
  const from = provider(region, region);
  const settings = modelTarget("m", from, "some-model");
  return { provider: from, modelId: settings.id, settings };
}

const EAST = targetIn("us-east-1");

/** Without jitter: random numbers are always in the middle. */
function start() {
  const health = new TargetHealth({ store: new MemoryStore(), random: () => 0.5 });
  return {
    health,
    fail(nowMs: number, error = new AditError("overloaded")) {
      return health.refused(EAST, error, { nowMs, policy: POLICY });
    },
    rests: (nowMs: number) => health.view(EAST, nowMs).restsMs,
  };
}

Deno.test("the third failure in a row makes a target rest, twice as long each time", () => {
  const { fail, rests } = start();
  deepEqual([fail(0), fail(1), fail(2)], [false, false, true]);
  equal(rests(2), 5_000);
  equal(rests(5_002), 0);
  // It is on probation, so one failure is enough.
  equal(fail(5_002), true);
  equal(rests(5_002), 10_000);
});

Deno.test("a rest is never longer than the limit", () => {
  const { fail, rests } = start();
  let nowMs = 0;
  for (let round = 0; round < 12; round++) {
    while (!fail(nowMs)) nowMs++;
    nowMs += rests(nowMs);
  }
  while (!fail(nowMs)) nowMs++;
  equal(rests(nowMs), POLICY.coolMaxMs);
});

Deno.test("a success in between resets the count", () => {
  const { health, fail, rests } = start();
  fail(0);
  fail(1);
  health.succeeded(EAST, { nowMs: 2, latencyMs: 100 });
  fail(3);
  fail(4);
  equal(rests(4), 0);
});

Deno.test("a target that fails more than half of its requests rests, though never three times in a row", () => {
  const { health, fail } = start();
  let rested = false;
  for (let nowMs = 0; nowMs < 60 && !rested; nowMs += 3) {
    health.succeeded(EAST, { nowMs, latencyMs: 100 });
    fail(nowMs + 1);
    rested = fail(nowMs + 2);
  }
  ok(rested);
});

Deno.test("requests that fail together make a target rest once, and do not extend the rest", () => {
  const { fail, rests } = start();
  for (let request = 0; request < 50; request++) fail(request / 10);
  ok(rests(5) <= 5_000, `rests for ${rests(5)} ms`);
});

Deno.test("requests that are throttled together make a target rest once, and do not extend the rest", () => {
  const { fail, rests } = start();
  for (let request = 0; request < 50; request++) fail(0, new AditError("rate_limited"));
  equal(rests(0), 1_000);
});

Deno.test("a retry-after of years is limited", () => {
  const { fail, rests } = start();
  fail(0, new AditError("rate_limited", undefined, { retryAfter: "99999999" }));
  equal(rests(0), 300_000);
});

Deno.test("the success of a request that began before the rest does not end it", () => {
  const { health, fail, rests } = start();
  fail(100, new AditError("rate_limited", undefined, { retryAfter: "30" }));
  health.succeeded(EAST, { nowMs: 200, latencyMs: 150 });
  equal(rests(200), 29_900);
});

Deno.test("a target whose streams always break after their first content rests", () => {
  const { health } = start();
  const outcomes: boolean[] = [];
  for (let nowMs = 0; nowMs < 30; nowMs += 10) {
    health.succeeded(EAST, { nowMs, latencyMs: 1 });
    outcomes.push(
      health.refused(EAST, new AditError("stream_truncated"), {
        nowMs: nowMs + 5,
        policy: POLICY,
        afterContent: true,
      }),
    );
  }
  deepEqual(outcomes, [false, false, true]);
});

Deno.test("a complete stream between broken ones resets their count", () => {
  const { health, rests } = start();
  for (let nowMs = 0; nowMs < 100; nowMs += 10) {
    health.succeeded(EAST, { nowMs, latencyMs: 1 });
    if (nowMs % 30 === 20) health.completed(EAST);
    else {health.refused(EAST, new AditError("stream_truncated"), {
        nowMs,
        policy: { ...POLICY, failures: 3 },
        afterContent: true,
      });}
    equal(rests(nowMs), 0);
  }
});

Deno.test("nothing is kept about model ids that callers make up", () => {
  const { health, fail } = start();
  while (!fail(0));
  const raw = { ...EAST, settings: undefined };
  health.begin(raw)();
  health.succeeded(raw, { nowMs: 1, latencyMs: 1 });
  health.refused(raw, new AditError("permission_denied"), { nowMs: 1, policy: POLICY });
  equal(health.view(EAST, 1).restsMs, 4_999);
  equal(health.status({ ...raw, modelId: "made-up" }, 1), undefined);
});

Deno.test("after its rest a target gets one request at a time until one succeeds", () => {
  const { health, fail } = start();
  while (!fail(0));
  equal(health.view(EAST, 4_999).available, false);
  equal(health.view(EAST, 5_000).available, true);
  const end = health.begin(EAST);
  equal(health.view(EAST, 5_000).available, false);
  health.succeeded(EAST, { nowMs: 5_100, latencyMs: 100 });
  equal(health.view(EAST, 5_100).available, true);
  end();
  end();
  equal(health.view(EAST, 5_100).inFlight, 0);
});

const THROTTLES: readonly (readonly [name: string, error: AditError, restsMs: number])[] = [
  ["as long as Bedrock says", new AditError("rate_limited", undefined, { retryAfter: "7" }), 7_000],
  ["a second where it does not say", new AditError("rate_limited"), 1_000],
  ["five minutes when the day's tokens are used up", daily(), 300_000],
  ["a minute when a quota is used up", new AditError("quota_exceeded"), 60_000],
];

function daily(): AditError {
  return new AditError("rate_limited", undefined, {
    upstream: { message: "Too many tokens per day, please wait before trying again." },
  });
}

for (const [name, error, restsMs] of THROTTLES) {
  Deno.test(`a throttled target rests ${name}, and has not failed`, () => {
    const { health, fail, rests } = start();
    equal(fail(0, error), true);
    equal(rests(0), restsMs);
    equal(health.status(EAST, 0)?.failures_in_row, 0);
  });
}

Deno.test("missing access is a misfit that is reported once", () => {
  const { health, fail } = start();
  const denied = new AditError("permission_denied");
  deepEqual([fail(0, denied), fail(60_000, denied)], [true, false]);
  equal(health.status(EAST, 60_000)?.state, "misfit");
});

Deno.test("an invalid request does not count against the target", () => {
  for (const kind of ["invalid_request", "client_gone", "draining", "internal"] satisfies ErrorKind[]) {
    equal(retryRule(new AditError(kind)).health, "none", kind);
  }
});

Deno.test("the state of a target survives a reload, unless the target was removed", () => {
  const { health, fail, rests } = start();
  while (!fail(0));
  health.keep([targetIn("us-east-1")]);
  equal(rests(0), 5_000);
  health.keep([targetIn("eu-west-1")]);
  equal(rests(0), 0);
});

Deno.test("simulation: a target that fails for a minute is avoided after three requests and comes back", () => {
  const random = new Random(5).fraction;
  const health = new TargetHealth({ store: new MemoryStore(), random });
  const targets = ["us-east-1", "us-west-2", "eu-west-1"].map(targetIn);
  const [, bad] = targets;
  const failsAt = (nowMs: number) => nowMs >= 10_000 && nowMs < 70_000;
  let lost = 0;
  let asked = 0;
  let backAtMs = 0;
  for (let nowMs = 0; nowMs < 100_000; nowMs += 10) {
    const view = (target: Target) => health.view(target, nowMs);
    const [first] = order(targets, { view, random, pick: "load" });
    if (first === undefined) throw new Error("no target");
    if (first.target === bad && failsAt(nowMs)) {
      asked++;
      health.refused(first.target, new AditError("overloaded"), { nowMs, policy: POLICY });
      if (health.view(first.target, nowMs).available) lost++;
    } else {
      if (first.target === bad && nowMs >= 70_000) backAtMs ||= nowMs;
      health.succeeded(first.target, { nowMs, latencyMs: 100 });
    }
  }
  // Of 6,000 requests in that minute, it got the three that made it rest, and one probe after each rest.
  ok(asked <= 3 + Math.ceil(Math.log2(60_000 / 5_000)) + 1, `${asked} requests met the failing target`);
  ok(lost <= 2);
  ok(backAtMs < 70_000 + POLICY.coolMaxMs / 2, `back at ${backAtMs} ms`);
});
