/** The order in which targets are tried, by tables and by simulation. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { order, type OrderOptions } from "../../lib/gateway/order.ts";
import type { TargetView } from "../../lib/gateway/health/target_health.ts";
import type { Target } from "../../lib/snapshot/plan.ts";
import { modelTarget, provider } from "../fakes/snapshot.ts";
import { Random } from "../suites/random.ts";

interface Place extends Partial<TargetView> {
  readonly name: string;
  readonly priority?: number;
  readonly weight?: number;
}

const IDLE: TargetView = { available: true, restsMs: 0, inFlight: 0, latencyMs: 100 };

function ordered(places: readonly Place[], options: Partial<OrderOptions> = {}): string[] {
  const views = new Map<Target, TargetView>(places.map(({ name, priority = 0, weight = 1, ...view }) => {
    const from = provider(name, "us-east-1");
    const settings = { ...modelTarget("m", from, `id-${name}`), priority, weight };
    return [{ provider: from, modelId: settings.id, settings }, { ...IDLE, ...view }];
  }));
  return order([...views.keys()], {
    view: (target) => views.get(target) ?? IDLE,
    random: () => 0,
    pick: "load",
    ...options,
  }).map(({ target, because }) => `${target.settings?.name}: ${because}`);
}

interface Case {
  readonly name: string;
  readonly places: readonly Place[];
  readonly options?: Partial<OrderOptions>;
  readonly expected: readonly string[];
}

const RESTING = { available: false, restsMs: 5_000 } as const;

const CASES: readonly Case[] = [
  { name: "a single target has no alternative", places: [{ name: "a" }], expected: ["a: only target"] },
  {
    name: "lower priorities come first, whatever the load",
    places: [{ name: "b", priority: 1 }, { name: "a", latencyMs: 900, inFlight: 50 }],
    expected: ["a: load", "b: load"],
  },
  {
    name: "a resting target comes last, even with the lowest priority",
    places: [{ name: "a", ...RESTING }, { name: "b", priority: 7 }],
    expected: ["b: load", "a: resting"],
  },
  {
    name: "among resting targets, the one that is back soonest comes first",
    places: [{ name: "a", ...RESTING }, { name: "b", ...RESTING, restsMs: 100 }],
    expected: ["b: resting", "a: resting"],
  },
  {
    name: "the less loaded target is preferred",
    places: [{ name: "a", inFlight: 3 }, { name: "b", inFlight: 1 }],
    expected: ["b: load", "a: load"],
  },
  {
    name: "the faster target is preferred",
    places: [{ name: "a", latencyMs: 900 }, { name: "b", latencyMs: 300 }],
    expected: ["b: load", "a: load"],
  },
  {
    name: "a target with more weight gets more load",
    places: [{ name: "a", inFlight: 1 }, { name: "b", inFlight: 4, weight: 5 }],
    expected: ["b: load", "a: load"],
  },
  {
    name: "a target whose quota is short comes after those with a higher priority",
    places: [{ name: "a" }, { name: "b", priority: 1 }],
    options: { isShort: ({ settings }) => settings?.name === "a" },
    expected: ["b: load", "a: quota is short"],
  },
];

for (const { name, places, options, expected } of CASES) {
  Deno.test(name, () => deepEqual(ordered(places, options), expected));
}

Deno.test("a key keeps its target while it is available, and only such keys move when it is not", () => {
  const places = ["a", "b", "c"].map((name) => ({ name }));
  const firstFor = (key: string, all: readonly Place[]) =>
    ordered(all, { affinityKey: key })[0]?.split(":")[0];
  for (let key = 0; key < 300; key++) {
    const home = firstFor(`user-${key}`, places);
    equal(firstFor(`user-${key}`, places), home);
    const without = places.map((place) => place.name === "c" ? { ...place, ...RESTING } : place);
    if (home !== "c") equal(firstFor(`user-${key}`, without), home);
    else ok(firstFor(`user-${key}`, without) !== "c");
  }
});

function sharesOf(draws: number, first: (draw: number) => string | undefined): Record<string, number> {
  const shares: Record<string, number> = {};
  for (let draw = 0; draw < draws; draw++) {
    const name = first(draw)?.split(":")[0] ?? "";
    shares[name] = (shares[name] ?? 0) + 1 / draws;
  }
  return shares;
}

Deno.test("weights are shares of the keys, and with pick: weight shares of the requests", () => {
  const places = [{ name: "a", weight: 3 }, { name: "b", weight: 1 }];
  const random = new Random(7).fraction;
  const byKey = sharesOf(10_000, (draw) => ordered(places, { affinityKey: `k${draw}` })[0]);
  const byWeight = sharesOf(10_000, () => ordered(places, { pick: "weight", random })[0]);
  for (const shares of [byKey, byWeight]) {
    ok(Math.abs((shares["a"] ?? 0) - 0.75) < 0.02, JSON.stringify(shares));
  }
});

Deno.test("idle targets that are equally fast share the requests", () => {
  const random = new Random(11).fraction;
  const shares = sharesOf(10_000, () => ordered(["a", "b", "c"].map((name) => ({ name })), { random })[0]);
  for (const name of ["a", "b", "c"]) {
    ok(Math.abs((shares[name] ?? 0) - 1 / 3) < 0.03, JSON.stringify(shares));
  }
});
