/** Budgets: what is held, refused, settled and kept, and the calendar windows. */

import assert from "node:assert/strict";
import { MemoryStore } from "../../lib/store/memory.ts";
import type { AditError } from "../../lib/base/errors.ts";
import type { Usage } from "../../lib/base/usage.ts";
import { Asked, type Counted } from "../../lib/gateway/admission/asked.ts";
import { Budgets } from "../../lib/gateway/budgets/budgets.ts";
import { windowAt } from "../../lib/gateway/budgets/windows.ts";
import { planFor } from "../../lib/gateway/resolve.ts";
import type { Budget, BudgetRow, BudgetWarning, UsedBefore } from "../../lib/snapshot/budget.ts";
import type { Caller } from "../../lib/snapshot/snapshot.ts";
import { caller, model, provider, snapshot } from "../fakes/snapshot.ts";
import { budget, flatPrices } from "../suites/budget_rules.ts";

const EAST = provider("east", "us-east-1");
const HAIKU = model("haiku", EAST);
const ANN = caller("ann", { team: "search" });
const BOB = caller("bob", { team: "search" });
const NANO = 1_000_000_000;

interface Parts {
  readonly budgets?: readonly Partial<Budget>[];
  readonly rows?: readonly BudgetRow[];
  /** False in a thread whose changes another thread stores. */
  readonly isStored?: boolean;
  readonly store?: MemoryStore;
  readonly unknown?: "allow" | "refuse";
  readonly hasPrices?: boolean;
}

function start(
  { budgets = [{}], rows = [], unknown = "allow", hasPrices = true, isStored = true, ...parts }: Parts = {},
) {
  let nowMs = Date.parse("2026-11-15T12:00:00Z");
  const config = (list: readonly Partial<Budget>[]) =>
    snapshot({
      models: [HAIKU],
      callers: [ANN, BOB],
      budgets: list.map((each) => budget("b", { warn: [0.5, 1], ...each })),
      // One US dollar for a thousand tokens.
      prices: hasPrices ? flatPrices("1000", unknown) : { rows: [], unknown, assume: undefined },
    });
  const current = config(budgets);
  let active = current;
  const warnings: BudgetWarning[] = [];
  const jumps: number[] = [];
  let elapsedMs = 0;
  const meter = new Budgets({
    store: parts.store ?? new MemoryStore(),
    clock: { now: () => nowMs, monotonic: () => elapsedMs },
    snapshot: current,
    rows: isStored ? rows : undefined,
    onChanged: () => {},
    onWarning: (warning) => warnings.push(warning),
    onClockJump: (byMs) => jumps.push(byMs),
  });
  const ask = (
    who: Caller = ANN,
    estimate = { input: 0, typical: 100, max: 100 },
    counts: Counted = "tokens",
  ) =>
    meter.take(
      new Asked({
        id: "r",
        snapshot: current,
        caller: who,
        plan: planFor(HAIKU),
        counts,
        bodyBytes: 1,
        dialect: "openai",
      }, {
        measure: undefined,
        estimate: () => ({
          inputTokens: estimate.input,
          typicalOutputTokens: estimate.typical,
          maxOutputTokens: estimate.max,
        }),
      }),
    );
  return {
    meter,
    warnings,
    ask,
    reload: (list: readonly Partial<Budget>[]) => meter.use(active = config(list)),
    /** Begins to fill the first budget from the ledger. */
    refill() {
      const [budget] = active.budgets;
      assert.ok(budget);
      return meter.refill(budget);
    },
    /** Sets the clock. */
    at: (text: string) => nowMs = Date.parse(text),
    /** Lets time pass. */
    pass(ms: number) {
      nowMs += ms;
      elapsedMs += ms;
    },
    jumps,
    view: () => meter.view()[0],
    /** Asks and settles with these output tokens. */
    spend: (tokens: number, who: Caller = ANN) => {
      const taken = ask(who);
      assert.ok(taken?.held !== undefined, taken?.refused?.message);
      taken.held.settle({ usage: usage(tokens), estimated: false }, tokens * 1_000_000);
    },
  };
}

function usage(outputTokens: number): Usage {
  return { inputTokens: 0, outputTokens, cacheReadTokens: 0, cacheWriteTokens: 0 };
}

function refusalOf(taken: ReturnType<ReturnType<typeof start>["ask"]>): AditError {
  assert.ok(taken?.refused !== undefined, "not refused");
  return taken.refused;
}

Deno.test("holds count until they are settled, so concurrent requests cannot exceed the budget", () => {
  const { ask, view } = start();
  const held = Array.from({ length: 10 }, () => ask()?.held);
  assert.ok(held.every((each) => each !== undefined));
  const refused = refusalOf(ask());
  assert.equal(refused.kind, "budget_spent");
  assert.match(
    refused.message,
    /^refused by this gateway: budget "b" of 1\.00 USD a month has 0\.00 left, and this request may need 0\.10; it resets at 2026-12-01T00:00:00\+00:00$/,
  );
  assert.equal(
    refused.details.headers?.["x-adit-budget"],
    "b;remaining=0.00;reset=2026-12-01T00:00:00+00:00",
  );
  for (const each of held) each?.settle({ usage: usage(10), estimated: false }, 10_000_000);
  assert.deepEqual([view()?.spent, view()?.held, view()?.remaining], ["0.10", "0.00", "0.90"]);
});

Deno.test("the overshoot is at most what in-flight requests may use beyond their holds, and the view shows it", () => {
  const { ask, view } = start({ budgets: [{ limit: 100 * NANO }] });
  const estimate = { input: 0, typical: 100, max: 1000 };
  const held: NonNullable<ReturnType<typeof ask>>[] = [];
  for (let taken = ask(ANN, estimate); taken?.held !== undefined; taken = ask(ANN, estimate)) {
    held.push(taken);
  }
  const bound = Number(view()?.worst_case);
  for (const { held: each } of held) each?.settle({ usage: usage(1000), estimated: false }, NANO);
  assert.ok(Number(view()?.spent) <= bound, `${view()?.spent} of ${bound}`);
  assert.ok(bound > 100, "holds are smaller than what requests may use");
});

Deno.test("with reserve: full there is no overshoot", () => {
  const { ask, view } = start({ budgets: [{ limit: 100 * NANO, reserve: "full" }] });
  const estimate = { input: 0, typical: 100, max: 1000 };
  let count = 0;
  for (let taken = ask(ANN, estimate); taken?.held !== undefined; taken = ask(ANN, estimate)) {
    taken.held.settle({ usage: usage(1000), estimated: false }, NANO);
    count++;
  }
  assert.equal(count, 100);
  assert.equal(view()?.worst_case, "100.00");
});

Deno.test("a request that another meter refuses gives everything back", () => {
  const { ask, view } = start();
  ask()?.held?.cancel();
  assert.deepEqual([view()?.spent, view()?.held, view()?.requests, view()?.worst_case], [
    "0.00",
    "0.00",
    0,
    "0.00",
  ]);
});

Deno.test("all matching budgets must have enough left, and if one refuses, nothing is taken from any", () => {
  const { ask, meter } = start({ budgets: [{ name: "large" }, { name: "small", limit: 1 }] });
  refusalOf(ask());
  assert.deepEqual(meter.view().map(({ name, held }) => [name, held]), [["large", "0.00"], [
    "small",
    "0.00",
  ]]);
});

Deno.test("each caller or each team has a separate budget", () => {
  const { spend, ask } = start({ budgets: [{ each: "caller", limit: NANO / 10 }] });
  spend(100, ANN);
  refusalOf(ask(ANN));
  spend(100, BOB);
  const team = start({ budgets: [{ each: "team", limit: NANO / 10 }] });
  team.spend(100, ANN);
  refusalOf(team.ask(BOB));
});

Deno.test("warnings are given once for each share and window", () => {
  const { spend, warnings, at } = start({ budgets: [{ whenSpent: "warn" }] });
  for (let count = 0; count < 12; count++) spend(100);
  assert.deepEqual(warnings.map(({ percent, spent }) => [percent, spent]), [[50, "0.50"], [100, "1.00"]]);
  at("2026-12-01T00:00:00Z");
  for (let count = 0; count < 5; count++) spend(100);
  assert.equal(warnings.length, 3);
});

Deno.test("a new window begins with nothing spent, and a clock that is set back returns to the old one", () => {
  const { spend, ask, view, at } = start({ budgets: [{ limit: NANO / 10 }] });
  spend(100);
  refusalOf(ask());
  at("2026-12-01T00:00:00Z");
  assert.equal(view()?.spent, "0.00");
  at("2026-11-30T23:59:59Z");
  assert.equal(view()?.spent, "0.10");
  refusalOf(ask());
});

class CountingStore extends MemoryStore {
  forgotten = 0;

  override forget(name: string): void {
    this.forgotten++;
    super.forget(name);
  }
}

Deno.test("past windows are forgotten, unless they have yet to be stored", () => {
  for (const isStored of [true, false]) {
    const store = new CountingStore();
    const { spend, pass } = start({ budgets: [{ window: "day" }], isStored, store });
    for (let day = 0; day < 1_002; day++) {
      spend(1);
      pass(86_400_000);
    }
    assert.equal(store.forgotten > 0, !isStored);
  }
});

Deno.test("setting the clock by more than a minute is reported once; passing time is not", () => {
  const { ask, at, pass, jumps } = start();
  ask();
  pass(86_400_000);
  ask();
  at("2026-11-16T12:00:59Z");
  ask();
  assert.deepEqual(jumps, []);
  at("2026-11-14T00:00:00Z");
  ask();
  ask();
  at("2026-11-20T00:00:00Z");
  ask();
  assert.deepEqual(jumps.map(Math.sign), [-1, 1]);
});

Deno.test("a request is settled in the window in which it was admitted", () => {
  const { ask, view, at } = start();
  const taken = ask();
  at("2026-12-01T00:00:00Z");
  taken?.held?.settle({ usage: usage(100), estimated: false }, NANO / 10);
  assert.equal(view()?.spent, "0.00");
  at("2026-11-15T00:00:00Z");
  assert.equal(view()?.spent, "0.10");
});

Deno.test("after a crash, what was held counts as spent", () => {
  const first = start();
  first.spend(100);
  first.ask();
  const rows = first.meter.takeChanged();
  assert.deepEqual(rows.map(({ spent, held }) => [spent, held]), [[100_000_000n, 100_000_000n]]);
  const second = start({ rows });
  assert.deepEqual([second.view()?.spent, second.view()?.held], ["0.20", "0.00"]);
});

Deno.test("a reload keeps what was spent, even if the amount changes, and a renamed budget starts from zero", () => {
  const { spend, view, reload } = start();
  spend(100);
  reload([{ limit: 2 * NANO }]);
  assert.deepEqual([view()?.spent, view()?.limit], ["0.10", "2.00"]);
  reload([{ name: "other" }]);
  assert.equal(view()?.spent, "0.00");
});

/** What the ledger knows, by caller. */
function used(...rows: readonly Partial<UsedBefore>[]): ReadonlyMap<string, readonly UsedBefore[]> {
  const row = {
    caller: "ann",
    team: "search",
    model: "haiku",
    tags: {},
    requests: 1n,
    tokens: 0n,
    costNano: 0n,
  };
  return Map.groupBy(rows.map((each) => ({ ...row, ...each })), ({ caller }) => caller);
}

Deno.test("a budget whose unit, scope or window changes starts from what the ledger knows", () => {
  const { spend, ask, view, reload, refill, meter } = start({ budgets: [{ limit: 1000 * NANO }] });
  const running = ask()?.held;
  spend(100);
  reload([{ unit: "tokens", limit: 1000 }]);
  assert.equal(view()?.spent, "0", "nanodollars are not taken for tokens");
  const filling = refill();
  spend(300);
  filling.finish(used({ tokens: 40n, requests: 2n }, { caller: "bob", tokens: 2n }));
  assert.deepEqual([view()?.spent, view()?.requests], ["342", 4], "what was spent meanwhile is added");
  running?.settle({ usage: usage(500), estimated: false }, 500_000_000);
  assert.equal(view()?.spent, "342", "a request of before counts for the budget that it was admitted with");
  assert.deepEqual(meter.takeChanged().map(({ spent, requests }) => [spent, requests]), [[342n, 4]]);
});

Deno.test("a definition that is restored counts what the ledger knows, and counts nothing twice", () => {
  const { spend, view, reload, refill } = start();
  spend(100);
  reload([{ unit: "tokens", limit: 1000 }]);
  const late = refill();
  reload([{}]);
  assert.equal(view()?.spent, "0.10");
  const first = refill();
  const second = refill();
  for (const each of [late, first, second]) each.finish(used({ costNano: 300_000_000n }));
  assert.deepEqual([view()?.spent, view()?.requests], ["0.30", 1]);
});

Deno.test("usage from the ledger is summed by the budget's scope and subjects", () => {
  const rows = used(
    { costNano: 10_000_000n },
    { costNano: 20_000_000n, model: "anthropic.haiku-v1:0" },
    { caller: "bob", costNano: 40_000_000n, tags: { stage: "test" } },
    { caller: "gone", team: "other", costNano: 80_000_000n },
    { caller: "gone", team: "", model: "another", costNano: 160_000_000n },
  );
  const spent = (budget: Partial<Budget>) => {
    const { refill, meter } = start({ budgets: [budget] });
    refill().finish(rows);
    return Object.fromEntries(meter.view().map(({ subject, spent: text }) => [subject, text]));
  };
  const scope = { callers: undefined, teams: undefined, models: undefined, tags: {} };
  assert.deepEqual(spent({}), { "": "0.31" });
  assert.deepEqual(spent({ each: "caller" }), { ann: "0.03", bob: "0.04", gone: "0.24" });
  assert.deepEqual(spent({ each: "team" }), { search: "0.07", other: "0.08", "": "0.16" });
  assert.deepEqual(spent({ each: "model" }), { haiku: "0.15", "": "0.16" });
  assert.deepEqual(spent({ scope: { ...scope, callers: ["ann", "bob", "ann"] } }), { "": "0.07" });
  assert.deepEqual(spent({ scope: { ...scope, callers: ["g*"], teams: ["other"] } }), { "": "0.08" });
  assert.deepEqual(spent({ scope: { ...scope, tags: { stage: ["t*"] } } }), { "": "0.04" });
  assert.deepEqual(spent({ scope: { ...scope, models: ["haiku"] } }), { "": "0.15" });
});

Deno.test("usage from the ledger triggers warnings", () => {
  const { refill, warnings } = start();
  refill().finish(used({ costNano: 600_000_000n }));
  assert.deepEqual(warnings.map(({ percent }) => percent), [50]);
});

Deno.test("budgets can count tokens and requests", () => {
  const tokens = start({ budgets: [{ unit: "tokens", limit: 250 }] });
  tokens.spend(100);
  tokens.spend(100);
  assert.match(refusalOf(tokens.ask()).message, /budget "b" of 250 tokens a month has 50 left/);
  const requests = start({ budgets: [{ unit: "requests", limit: 1, window: "total" }] });
  requests.spend(1);
  const refused = refusalOf(requests.ask(ANN, undefined, "requests"));
  assert.match(refused.message, /budget "b" of 1 request in total is spent$/);
  assert.equal(refused.details.retryAfterMs, undefined);
});

Deno.test("unmetered operations are refused, and so are unknown prices with prices.unknown: refuse", () => {
  assert.equal(refusalOf(start().ask(ANN, undefined, "unmetered")).kind, "limit_unmetered");
  assert.equal(refusalOf(start({ hasPrices: false, unknown: "refuse" }).ask()).kind, "price_unknown");
  assert.ok(start({ hasPrices: false }).ask()?.held !== undefined);
});

for (
  const [each, known, unknown] of [
    ["none", "", "ann"],
    ["caller", "ann", "anne"],
    ["team", "search", ""],
    ["model", "haiku", "__proto__"],
  ] as const
) {
  Deno.test(`a correction for each ${each} refuses a subject that no request can have`, () => {
    const { meter } = start({ budgets: [{ limit: NANO, each }] });
    assert.equal(meter.correct("b", known, NANO_BIG)?.spent, "1.00");
    assert.throws(() => meter.correct("b", unknown, NANO_BIG), /^AditError: subject: budget "b" is /);
    assert.deepEqual(meter.view().map(({ subject }) => subject), [known]);
  });
}

Deno.test("corrections change what is spent, but never below zero", () => {
  const { spend, meter, ask } = start({ budgets: [{ limit: NANO / 10 }] });
  spend(100);
  refusalOf(ask());
  assert.equal(meter.correct("b", "", -50_000_000n)?.spent, "0.05");
  assert.equal(meter.correct("b", "", -NANO_BIG)?.spent, "0.00");
  assert.equal(meter.correct("b", "", NANO_BIG)?.spent, "1.00");
  assert.equal(meter.correct("b", "", undefined)?.spent, "0.00");
  assert.equal(meter.correct("none", "", undefined), undefined);
});

const NANO_BIG = 1_000_000_000n;

Deno.test("windows follow the calendar of their time zone, including days of 23 and 25 hours", () => {
  const hours = (text: string) => {
    const { startMs, endMs = 0 } = windowAt("day", "Europe/Berlin", Date.parse(text));
    return (endMs - startMs) / 3_600_000;
  };
  assert.deepEqual(["2026-03-29T10:00:00Z", "2026-10-25T10:00:00Z", "2026-06-01T10:00:00Z"].map(hours), [
    23,
    25,
    24,
  ]);
  const month = windowAt("month", "Europe/Berlin", Date.parse("2026-11-30T23:30:00Z"));
  assert.equal(new Date(month.startMs).toISOString(), "2026-11-30T23:00:00.000Z");
  const week = windowAt("week", "UTC", Date.parse("2026-11-29T12:00:00Z"));
  assert.equal(new Date(week.startMs).toISOString(), "2026-11-23T00:00:00.000Z");
  assert.equal(new Date(week.endMs ?? 0).toISOString(), "2026-11-30T00:00:00.000Z");
});
