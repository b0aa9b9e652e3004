/** Simulates the choice of targets while some fail, with the gateway's own code. */

import { MemoryStore } from "../../store/memory.ts";
import { AditError } from "../../base/errors.ts";
import { suggestion } from "../../config/schema/suggest.ts";
import { order } from "../../gateway/order.ts";
import { TargetHealth } from "../../gateway/health/target_health.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import type { Fact } from "./fact.ts";

const REQUESTS = 10_000;
const EVERY_MS = 10;
const LATENCY_MS = 500;

/** The behaviour of a target during the whole simulation. */
type Failure =
  | { readonly kind: "fail" }
  | { readonly kind: "throttle" }
  | { readonly kind: "slow"; readonly latencyMs: number };

export interface SimulationOptions {
  /** `TARGET=fail`, `TARGET=throttle` or `TARGET=slow:MS`, separated by commas. */
  readonly failures: string;
  /** Between 0 and 1. */
  readonly random: () => number;
}

/** The shares of the targets in 10,000 requests, 100 a second; a string if the failures are invalid. */
export function simulate(
  plan: Plan,
  { failures: text, random }: SimulationOptions,
): readonly Fact[] | string {
  const failures = parseFailures(text, plan.targets.map(nameOf));
  if (typeof failures === "string") return failures;
  const health = new TargetHealth({ store: new MemoryStore(), random });
  const answered = new Map<string, number>();
  const failed = new Map<string, number>();
  let lost = 0;
  let running: { readonly endMs: number; readonly end: () => void }[] = [];
  for (let nowMs = 0; nowMs < REQUESTS * EVERY_MS; nowMs += EVERY_MS) {
    for (const { endMs, end } of running) if (endMs <= nowMs) end();
    running = running.filter(({ endMs }) => endMs > nowMs);
    const ordered = order(plan.targets, {
      view: (target) => health.view(target, nowMs),
      random,
      pick: plan.routing.pick,
      affinityKey: plan.routing.affinity.length === 0 ? undefined : `conversation ${nowMs}`,
    });
    const asked = ordered.filter(({ because }) => because !== "resting").slice(
      0,
      plan.routing.retry.attempts,
    );
    const answering = asked.findIndex(({ target }) => {
      const failure = failures.get(nameOf(target));
      if (failure === undefined || failure.kind === "slow") return true;
      add(failed, nameOf(target));
      const error = new AditError(failure.kind === "fail" ? "overloaded" : "rate_limited");
      health.refused(target, error, { nowMs, policy: plan.routing.health });
      return false;
    });
    const target = asked[answering]?.target;
    if (target === undefined) {
      lost++;
      continue;
    }
    const failure = failures.get(nameOf(target));
    const latencyMs = failure?.kind === "slow" ? failure.latencyMs : LATENCY_MS;
    add(answered, nameOf(target));
    running.push({ endMs: nowMs + latencyMs, end: health.begin(target) });
    health.succeeded(target, { nowMs, latencyMs });
  }
  return [
    { topic: "simulated", text: `${REQUESTS} requests, 100 a second, ${LATENCY_MS} ms each` },
    ...plan.targets.map((target) => ({
      topic: nameOf(target),
      text: `answered ${percent(answered.get(nameOf(target)))}, failed attempts ${
        failed.get(nameOf(target)) ?? 0
      }`,
    })),
    { topic: "unanswered", text: percent(lost) },
  ];
}

function parseFailures(text: string, known: readonly string[]): ReadonlyMap<string, Failure> | string {
  const failures = new Map<string, Failure>();
  for (const part of text.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    const at = part.lastIndexOf("=");
    const name = part.slice(0, at);
    const failure = parseFailure(part.slice(at + 1));
    if (at === -1 || failure === undefined) {
      return `Cannot simulate ${
        JSON.stringify(part)
      }: expected TARGET=fail, TARGET=throttle or TARGET=slow:MS`;
    }
    if (!known.includes(name)) return `Unknown target ${JSON.stringify(name)}${suggestion(name, known)}`;
    failures.set(name, failure);
  }
  return failures;
}

function parseFailure(text: string): Failure | undefined {
  if (text === "fail" || text === "throttle") return { kind: text };
  const [, ms] = /^slow:(\d{1,6})$/.exec(text) ?? [];
  return ms === undefined ? undefined : { kind: "slow", latencyMs: Number(ms) };
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function percent(count = 0): string {
  return `${(count / REQUESTS * 100).toFixed(1)}%`;
}

function nameOf({ settings, provider }: Target): string {
  return settings?.name ?? provider.name;
}
