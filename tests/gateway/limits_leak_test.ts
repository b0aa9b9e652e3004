/** Many requests with every kind of end: nothing that they took stays taken, and each is counted once. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { UsageQuery } from "../../lib/ledger/queries.ts";
import { keepUsage } from "../fakes/kept_usage.ts";
import { AditError } from "../../lib/base/errors.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { Admission, type Elsewhere, Hold } from "../../lib/gateway/admission/admit.ts";
import { Asked } from "../../lib/gateway/admission/asked.ts";
import type { Ending } from "../../lib/gateway/admission/ending.ts";
import { Sizes } from "../../lib/gateway/admission/sizes.ts";
import { Budgets, type BudgetsOptions } from "../../lib/gateway/budgets/budgets.ts";
import { RateLimits } from "../../lib/gateway/limits/rate_limits.ts";
import { planFor } from "../../lib/gateway/resolve.ts";
import { converseFrames, exceptionFrame } from "../fakes/frames.ts";
import { startGateway } from "../fakes/gateway.ts";
import type { ScriptedCall } from "../fakes/fetch.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";
import { fakeTime } from "../fakes/time.ts";
import { budget, flatPrices } from "../suites/budget_rules.ts";
import { rule } from "../suites/limit_rules.ts";
import { Random } from "../suites/random.ts";
import { ANSWER, CHAT, chatBody } from "./requests.ts";

const CALLERS = ["one", "two", "three"].map((name) => caller(name, { models: ["*"], team: "red" }));
const EAST = provider("east", "us-east-1");
const OPUS = model("opus", EAST);
const CONFIG = snapshot({
  models: [model("haiku", EAST), { ...OPUS, routing: { ...OPUS.routing, afterClientLeft: "drain" } }],
  prices: flatPrices("9", "refuse"),
  budgets: [
    budget("team", { each: "team", limit: 2_000_000_000, window: "day", whenSpent: { use: "haiku" } }),
    budget("one", { scope: { callers: ["one"] }, each: "team", unit: "tokens", limit: 1e6, window: "day" }),
    budget("few", { each: "caller", unit: "requests", limit: 400, window: "day", whenSpent: "warn" }),
  ],
  callers: CALLERS,
  limits: { ...snapshot().limits, concurrent: 10_000 },
  rateLimits: [
    rule("few", { concurrent: 6 }),
    rule("team", { each: "team", requests: "2k/m", tokens: "900k/m" }),
    rule("patient", { each: "caller_model", concurrent: 4, waitMs: 400 }),
    rule("trial", { each: "model", tokens: "5k/m", mode: "shadow" }),
  ],
});

/** How the upstream treats a request. */
const UPSTREAMS: readonly ((call: ScriptedCall) => void)[] = [
  (call) => call.answerWhole(200, ANSWER, { "content-type": "application/json" }),
  (call) => call.answerWhole(200, "not JSON", { "content-type": "application/json" }),
  (call) => call.answerWhole(429, '{"message":"slow down"}', { "x-amzn-errortype": "ThrottlingException" }),
  (call) => call.answerWhole(500, "{}", { "x-amzn-errortype": "InternalServerException" }),
  (call) => call.fail(),
  (call) => {
    const body = call.answer(200);
    body.push(...converseFrames("Hello", " there"));
    body.end();
  },
  (call) => {
    const body = call.answer(200);
    body.push(...converseFrames("Hello", " there").slice(0, 2));
    body.end();
  },
  (call) => {
    const body = call.answer(200);
    body.push(...converseFrames("Hello").slice(0, 2), exceptionFrame("throttlingException", "later"));
    body.end();
  },
  (call) => {
    const body = call.answer(200);
    body.push(...converseFrames("Hello").slice(0, 2));
    body.fail();
  },
  // Never answers, until the client leaves or the deadline passes.
  () => {},
];

Deno.test("after 100,000 requests with every kind of end, nothing is held, and the ledger has each once", async () => {
  const usage = await keepUsage();
  const recorded = { requests: 0n, costNano: 0n, output: 0n };
  const gateway = startGateway(CONFIG, {
    sinks: [usage.sink, ({ cost, spent }) => {
      recorded.requests++;
      recorded.costNano += BigInt(cost?.nano ?? 0);
      recorded.output += BigInt(spent?.usage.outputTokens ?? 0);
    }],
  });
  const { bedrock, limits, budgets, pipeline, advance } = gateway;
  const random = new Random(7);
  const statuses = new Map<number, number>();
  const running = new Set<Promise<void>>();
  let treated = 0;
  const treat = () => {
    for (; treated < bedrock.calls.length; treated++) {
      const call = bedrock.calls[treated];
      if (call !== undefined) random.pick(UPSTREAMS)(call);
    }
  };
  const requests = 100_000;
  let most = 0;
  for (let index = 0; index < requests; index++) {
    const body = random.below(20) === 0
      ? "{"
      : chatBody({ model: random.pick(["haiku", "opus"]), stream: random.below(2) === 0 });
    const { response, leave } = gateway.send(CHAT, {
      headers: { authorization: `Bearer ${random.pick(CALLERS).key}` },
      body,
    });
    const done = response.then(async (answer) => {
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (random.below(6) === 0) await answer.body?.cancel();
      else await answer.arrayBuffer().catch(() => {});
    }).finally(() => running.delete(done));
    running.add(done);
    if (random.below(8) === 0) leave();
    if (random.below(3) === 0) await turn();
    treat();
    if (random.below(3) === 0) advance(random.below(200));
    most = Math.max(most, limits.status().held);
  }
  // The deadlines end requests that hang.
  while (running.size > 0) {
    advance(60_000);
    treat();
    await turn();
  }
  equal(pipeline.inFlight, 0);
  equal(limits.status().held, 0);
  deepEqual(heldBy(budgets), []);
  ok(most > 10_000, `only ${most} units were ever held`);
  for (const status of [200, 400, 429, 502]) {
    ok((statuses.get(status) ?? 0) > 20, `${status}: ${statuses.get(status)}`);
  }
  const { rules } = limits.status();
  ok((rules["few"]?.refused ?? 0) > 0 && (rules["trial"]?.would_refuse ?? 0) > 0, JSON.stringify(rules));
  await gateway.expectSettled(requests);
  const { total } = await usage.ledger.usage(EVERYTHING);
  await usage.close();
  deepEqual({ requests: total.requests, costNano: total.costNano, output: total.output }, recorded);
  equal(total.requests, BigInt(requests));
  ok(
    total.estimated > 1_000n && total.errors > 10_000n,
    `${total.estimated} estimated, ${total.errors} errors`,
  );
});

/** Lets everything that is ready to run do so. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const EVERYTHING: UsageQuery = {
  fromMs: 0,
  toMs: Date.UTC(2100, 0, 1),
  groupBy: [],
  timeZone: "UTC",
  filter: {},
};

Deno.test("100,000 holds that are cancelled, refused and settled in any order leave nothing behind", async () => {
  const time = fakeTime();
  const limits = new RateLimits({
    ...time,
    store: new MemoryStore(),
    snapshot: CONFIG,
    onOversized: () => {},
  });
  const sizes = new Sizes();
  const budgets = new Budgets({ ...time, store: new MemoryStore(), snapshot: CONFIG, ...UNKEPT });
  const admission = new Admission({ ...time, meters: [limits, budgets], sizes });
  const random = new Random(11);
  const open: Hold[] = [];
  const plans = [...CONFIG.models.values()].map(planFor);
  const ended = new AbortController().signal;
  let refused = 0;
  let sentElsewhere = 0;
  const waiting: Promise<unknown>[] = [];
  const admitted = (late: Hold | Elsewhere) => {
    if (late instanceof Hold) late.close(ending(random));
    else sentElsewhere++;
  };
  for (let index = 0; index < 100_000; index++) {
    const asked = new Asked({
      id: `req_${index}`,
      snapshot: CONFIG,
      caller: random.pick(CALLERS),
      plan: random.pick(plans),
      counts: random.pick(["tokens", "tokens", "requests"]),
      dialect: "openai",
      bodyBytes: random.below(4000),
    }, { measure: undefined, estimate: sizes.estimate });
    try {
      const hold = admission.admit(asked, { remainingMs: 1_000, ended });
      if (hold instanceof Promise) {
        waiting.push(hold.then(admitted, () => refused++));
      } else if (hold instanceof Hold) open.push(hold);
      else sentElsewhere++;
    } catch (error) {
      ok(error instanceof AditError);
      refused++;
    }
    while (open.length > random.below(20)) {
      const [hold] = open.splice(random.below(open.length), 1);
      // Slots are given back once, however often they are released.
      for (let times = random.below(3); times > 0; times--) hold?.release();
      hold?.close(ending(random));
      hold?.release();
      // Closing it again has no effect.
      hold?.close(ending(random));
    }
    if (index % 16 === 0) {
      time.advance(random.below(100));
      await Promise.resolve();
    }
  }
  for (const hold of open) hold.close(ending(random));
  for (let turn = 0; turn < 100; turn++) {
    time.advance(100);
    await Promise.resolve();
  }
  await Promise.all(waiting);
  deepEqual({ held: limits.status().held, timers: time.timers.size }, { held: 0, timers: 0 });
  deepEqual(heldBy(budgets), []);
  ok(sentElsewhere > 500, `${sentElsewhere} sent to another model`);
  ok(refused > 1_000 && waiting.length > 100, `${refused} refused, ${waiting.length} waited`);
});

const UNKEPT: Omit<BudgetsOptions, "clock" | "snapshot" | "store"> = {
  rows: [],
  onChanged: () => {},
  onWarning: () => {},
  onClockJump: () => {},
};

/** Budgets of which something is held or could still be used. */
function heldBy(budgets: Budgets): readonly string[] {
  return budgets.view().filter(({ held, spent, worst_case: worst }) => Number(held) !== 0 || worst !== spent)
    .map(({ name, subject, held }) => `${name} ${subject}: ${held}`);
}

function ending(random: Random): Ending {
  const kind = random.pick(["none", "none", "client_gone", "timeout"] as const);
  const error = kind === "none" ? undefined : new AditError(kind);
  return {
    dialect: "openai",
    isStream: random.below(2) === 0,
    usage: random.below(2) === 0 ? undefined : {
      inputTokens: random.below(2000),
      outputTokens: random.below(3000),
      cacheReadTokens: 0,
      cacheWriteTokens: random.below(10),
    },
    error,
    accepted: random.below(4) > 0,
    sentBytes: random.below(5000),
    brokenAttempts: random.below(2),
    price: { costOf: () => random.below(5_000_000) },
  };
}
