/** The order in which the targets of a model are tried: by priority, then affinity, load or weight. */

import type { Target } from "../snapshot/plan.ts";
import type { TargetView } from "./health/target_health.ts";

export interface OrderOptions {
  readonly view: (target: Target) => TargetView;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** `load` prefers the less loaded of two random targets; `weight` keeps fixed shares. */
  readonly pick: "load" | "weight";
  /** Requests with the same key go to the same target; undefined for no affinity. */
  readonly affinityKey?: string | undefined;
  /** Whether a target's quota is short, which moves it to the end. */
  readonly isShort?: ((target: Target) => boolean) | undefined;
}

/** A target and the reason for its position. */
export interface Ordered {
  readonly target: Target;
  readonly because: "only target" | "affinity" | "load" | "weight" | "quota is short" | "resting";
}

/**
 * All targets in the order in which they are tried: by priority, then available ones first. Resting targets come
 * last, in the order of their return.
 */
export function order(targets: readonly Target[], options: OrderOptions): readonly Ordered[] {
  const [only, ...others] = targets;
  if (only === undefined) return [];
  if (others.length === 0) return [{ target: only, because: "only target" }];
  const viewed = targets.map((target) => ({ target, view: options.view(target) }));
  const available = viewed.filter(({ view }) => view.available);
  const short = available.filter(({ target }) => options.isShort?.(target) === true);
  const usual = available.filter((each) => !short.includes(each));
  const resting = viewed.filter(({ view }) => !view.available).sort((a, b) =>
    a.view.restsMs - b.view.restsMs
  );
  return [
    ...byPriority(usual, options),
    ...byPriority(short, options).map(({ target }) => ({ target, because: "quota is short" as const })),
    ...resting.map(({ target }) => ({ target, because: "resting" as const })),
  ];
}

interface Viewed {
  readonly target: Target;
  readonly view: TargetView;
}

function byPriority(viewed: readonly Viewed[], options: OrderOptions): readonly Ordered[] {
  const priorities = [...new Set(viewed.map(({ target }) => priorityOf(target)))].sort((a, b) => a - b);
  return priorities.flatMap((priority) =>
    withinPriority(viewed.filter(({ target }) => priorityOf(target) === priority), options)
  );
}

function withinPriority(viewed: readonly Viewed[], options: OrderOptions): readonly Ordered[] {
  const { affinityKey, pick } = options;
  if (affinityKey !== undefined) {
    return sorted(viewed, ({ target }) => -rendezvous(affinityKey, target)).map(as("affinity"));
  }
  if (pick === "weight") {
    // The largest of random^(1/weight) is a weighted draw, and so is each next one among the rest.
    return sorted(viewed, ({ target }) => -(options.random() ** (1 / weightOf(target)))).map(as("weight"));
  }
  return byLoad(viewed, options.random).map(as("load"));
}

function as(because: Ordered["because"]): (viewed: Viewed) => Ordered {
  return ({ target }) => ({ target, because });
}

/**
 * The less loaded of two random targets comes first; always picking the least loaded one would overload it.
 */
function byLoad(viewed: readonly Viewed[], random: () => number): readonly Viewed[] {
  const left = [...viewed];
  const draw = () => left.splice(Math.min(left.length - 1, Math.floor(random() * left.length)), 1);
  const pair = [...draw(), ...draw()].sort((a, b) => loadOf(a) - loadOf(b));
  return [...pair.slice(0, 1), ...sorted([...pair.slice(1), ...left], loadOf)];
}

function loadOf({ target, view: { inFlight, latencyMs } }: Viewed): number {
  return (inFlight + 1) * latencyMs / weightOf(target);
}

function sorted(viewed: readonly Viewed[], score: (viewed: Viewed) => number): Viewed[] {
  return viewed.map((each) => ({ each, score: score(each) }))
    .sort((a, b) => a.score - b.score).map(({ each }) => each);
}

/**
 * The score of weighted rendezvous hashing: a key keeps its target for as long as the target exists, even if others
 * are added or removed.
 */
function rendezvous(key: string, target: Target): number {
  return -weightOf(target) / Math.log(unitHash(`${key}\n${target.settings?.name ?? target.modelId}`));
}

/** FNV-1a with murmur's final mixing step, as a fraction strictly between 0 and 1. */
function unitHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}

function priorityOf({ settings }: Target): number {
  return settings?.priority ?? 0;
}

function weightOf({ settings }: Target): number {
  return settings?.weight ?? 1;
}
