/** The health of every target: whether it is resting or failing, and how busy and fast it is. */

import { type AditError, codeOf, type ErrorKind } from "../../base/errors.ts";
import type { Target } from "../../snapshot/plan.ts";
import type { HealthPolicy } from "../../snapshot/snapshot.ts";
import type { Store } from "../../store/store.ts";
import { type Half, type HealthState as State, SharedState, stateChange } from "./health_state.ts";
import { MAX_THROTTLE_MS, restAfter, retryRule } from "../retry_rules.ts";

/** The properties of a target by which `order` sorts. */
export interface TargetView {
  /** Whether it may be tried now: after resting, a target gets one request at a time until one succeeds. */
  readonly available: boolean;
  /** Milliseconds until it may be tried again; 0 if it may. */
  readonly restsMs: number;
  readonly inFlight: number;
  /** Typical time to the first content in milliseconds; decays without new samples. */
  readonly latencyMs: number;
}

/** What `/-/status` shows of a target. */
export interface TargetStatus {
  readonly state: "available" | "resting" | "probing" | "misfit";
  readonly rests_ms?: number;
  readonly in_flight: number;
  readonly latency_ms?: number;
  readonly failures_in_row: number;
  /** Code of the last failure. */
  readonly last_error?: string;
}

export interface TargetHealthOptions {
  readonly store: Store;
  /** Called when a target is used for the first time, with its place. */
  readonly onUsed?: ((place: string) => void) | undefined;
  /** Between 0 and 1. */
  readonly random: () => number;
}

const HALF_WINDOW_MS = 15_000;
/** Minimum number of outcomes in the window for a meaningful share of errors. */
const MIN_OUTCOMES = 20;
const MAX_ERROR_SHARE = 0.5;
const MISFIT_MS = 60_000;
const FIRST_THROTTLE_MS = 1_000;
/** Weight of the newest latency sample. */
const LATENCY_WEIGHT = 0.3;
/** Half-life of a latency, so that a target that was slow once gets another chance. */
const LATENCY_HALF_LIFE_MS = 20_000;
/** The latency of an unknown target. */
const UNKNOWN_LATENCY_MS = 1;

/** One per thread, with the state of the process. Survives reloads, as a target is a provider, region and model id. */
export class TargetHealth {
  readonly #store: Store;
  readonly #random: () => number;
  readonly #onUsed: (place: string) => void;
  readonly #states = new Map<string, SharedState>();

  constructor({ store, random, onUsed = () => {} }: TargetHealthOptions) {
    this.#store = store;
    this.#onUsed = onUsed;
    this.#random = random;
  }

  /** The target's properties at this time. */
  view(target: Target, nowMs: number): TargetView {
    return this.#stateOf(target)?.read((state, inFlight) => {
      const restsMs = Math.max(0, state.restsUntil - nowMs);
      return {
        available: restsMs === 0 && !(state.onProbation && inFlight > 0),
        restsMs,
        inFlight,
        latencyMs: fadedLatency(state, nowMs),
      };
    }) ?? { available: true, restsMs: 0, inFlight: 0, latencyMs: UNKNOWN_LATENCY_MS };
  }

  /** The last failure of a target; undefined if it has not failed. */
  lastErrorOf(target: Target): ErrorKind | undefined {
    return this.#stateOf(target)?.read(({ lastError }) => lastError);
  }

  /** Records that a request has started; the returned function is called once, when the request has ended. */
  begin(target: Target): () => void {
    return this.#stateOf(target)?.begin() ?? (() => {});
  }

  /** Records a success. */
  succeeded(target: Target, success: Success): void {
    this.#stateOf(target)?.change(noteSuccess, success);
  }

  /** Records that a response was complete. */
  completed(target: Target): void {
    const shared = this.#stateOf(target);
    if (shared !== undefined && shared.breaksInRow > 0) shared.change(forgetBreaks, undefined);
  }

  /** Records a refusal or failure. Returns whether this made the target rest. */
  refused(target: Target, error: AditError, options: RefusedOptions): boolean {
    const shared = this.#stateOf(target);
    if (shared === undefined || retryRule(error).health === "none") return false;
    return shared.change(stateChange((state) => this.#refused(state, error, options)), undefined);
  }

  #refused(state: State, error: AditError, { nowMs, policy, afterContent = false }: RefusedOptions): boolean {
    switch (retryRule(error).health) {
      case "none":
        return false;
      case "misfit": {
        const isNews = !state.misfit;
        state.misfit = true;
        state.lastError = error.kind;
        rest(state, nowMs, MISFIT_MS);
        return isNews;
      }
      case "throttled": {
        state.lastError = error.kind;
        const backoff = Math.min(policy.coolMaxMs, FIRST_THROTTLE_MS * 2 ** earlierRests(state, nowMs));
        rest(state, nowMs, Math.min(MAX_THROTTLE_MS, restAfter(error) ?? backoff));
        return true;
      }
      case "failure": {
        state.lastError = error.kind;
        if (afterContent) state.breaksInRow++;
        else state.failuresInRow++;
        const half = currentHalf(state, nowMs);
        half.failed++;
        // A request that fails after its first content has already been counted as a success.
        if (!afterContent) half.total++;
        const inRow = Math.max(state.failuresInRow, state.breaksInRow);
        if (inRow < policy.failures && !state.onProbation && !failsTooOften(state, nowMs)) return false;
        const cool = Math.min(policy.coolMaxMs, policy.coolMs * 2 ** earlierRests(state, nowMs));
        rest(state, nowMs, cool * (0.8 + 0.4 * this.#random()));
        return true;
      }
    }
  }

  /** The status of a target; undefined if it has not been used. */
  status(target: Target, nowMs: number): TargetStatus | undefined {
    const state = this.#stateOf(target);
    return state?.isUsed === true
      ? state.read((known, inFlight) => statusOf(known, { inFlight, nowMs }))
      : undefined;
  }

  /** The status of every target that has been used, by its place. */
  *used(nowMs: number): Generator<readonly [place: string, status: TargetStatus]> {
    for (const [place, state] of this.#states) {
      if (!state.isUsed) continue;
      yield [place, state.read((known, inFlight) => statusOf(known, { inFlight, nowMs }))];
    }
  }

  /** Forgets targets that are no longer configured, unless they are in use. */
  keep(targets: Iterable<Pick<Target, "provider" | "modelId">>): void {
    const gone = new Set(this.#states.keys());
    // A configuration may have very many targets of which few have been used; most are skipped by their model id.
    const ids = new Set([...gone].map((place): unknown => JSON.parse(place)[MODEL_ID]));
    for (const target of targets) {
      if (ids.has(target.modelId)) gone.delete(placeText(target));
    }
    for (const place of gone) {
      if (this.#states.get(place)?.forget() === true) this.#states.delete(place);
    }
  }

  /** Undefined for a bare model id: callers can make up any number of them, and they have no other target. */
  #stateOf(target: Target): SharedState | undefined {
    if (target.settings === undefined) return undefined;
    const place = placeOf(target);
    return this.#states.get(place) ?? this.#open(place);
  }

  #open(place: string): SharedState {
    const state = new SharedState(this.#store, place);
    this.#states.set(place, state);
    this.#onUsed(place);
    return state;
  }

  /** Records that another thread uses a target, so that the views show it. */
  noteUsed(place: string): void {
    if (!this.#states.has(place)) this.#open(place);
  }
}

/** The time of an answer, and its latency. */
export interface Success {
  readonly nowMs: number;
  readonly latencyMs: number;
}

const noteSuccess = stateChange((state, { nowMs, latencyMs }: Success) => {
  // The success of a request from before the rest does not show that the target has recovered.
  if (nowMs >= state.restsUntil || nowMs - latencyMs > state.restsSince) {
    state.failuresInRow = 0;
    state.rests = 0;
    state.onProbation = false;
    state.misfit = false;
    state.restsUntil = 0;
  }
  const known = state.latencyMs;
  state.latencyMs = known === undefined ? latencyMs : known + LATENCY_WEIGHT * (latencyMs - known);
  state.latencyAt = nowMs;
  currentHalf(state, nowMs).total++;
});

const forgetBreaks = stateChange((state) => {
  state.breaksInRow = 0;
});

export interface RefusedOptions {
  readonly nowMs: number;
  readonly policy: HealthPolicy;
  /** Whether the request has already counted as a success; default: false. */
  readonly afterContent?: boolean;
}

interface Present {
  readonly inFlight: number;
  readonly nowMs: number;
}

function statusOf(state: State, { inFlight, nowMs }: Present): TargetStatus {
  const restsMs = Math.max(0, Math.round(state.restsUntil - nowMs));
  return {
    state: stateName(state, restsMs),
    ...(restsMs > 0 && { rests_ms: restsMs }),
    in_flight: inFlight,
    ...(state.latencyMs !== undefined && { latency_ms: Math.round(state.latencyMs) }),
    failures_in_row: Math.max(state.failuresInRow, state.breaksInRow),
    ...(state.lastError !== undefined && { last_error: codeOf(state.lastError) }),
  };
}

/** The identity of a target; equal targets of several models share their health. */
export function placeOf(target: Target): string {
  let place = places.get(target);
  if (place === undefined) {
    place = placeText(target);
    places.set(target, place);
  }
  return place;
}

function placeText({ provider, modelId }: Pick<Target, "provider" | "modelId">): string {
  return JSON.stringify([provider.name, provider.region, modelId]);
}

/** The position of the model id in a place. */
const MODEL_ID = 2;

/** Kept, as most targets are those of the configuration's plans, which every request uses. */
const places = new WeakMap<Target, string>();

/** Rests before the current one: several failures during a rest do not extend the backoff. */
function earlierRests({ rests, restsUntil }: State, nowMs: number): number {
  return nowMs < restsUntil ? rests - 1 : rests;
}

function rest(state: State, nowMs: number, restsMs: number): void {
  if (nowMs >= state.restsUntil) {
    state.rests++;
    state.restsSince = nowMs;
  }
  state.restsUntil = Math.max(state.restsUntil, nowMs + restsMs);
  state.onProbation = true;
}

function stateName({ misfit, onProbation }: State, restsMs: number): TargetStatus["state"] {
  if (restsMs > 0) return misfit ? "misfit" : "resting";
  return onProbation ? "probing" : "available";
}

function fadedLatency({ latencyMs, latencyAt }: State, nowMs: number): number {
  if (latencyMs === undefined) return UNKNOWN_LATENCY_MS;
  return Math.max(UNKNOWN_LATENCY_MS, latencyMs * 2 ** (-(nowMs - latencyAt) / LATENCY_HALF_LIFE_MS));
}

/** The half window for an outcome at this time. */
function currentHalf(state: State, nowMs: number): Half {
  if (nowMs - state.latest.startMs >= HALF_WINDOW_MS) {
    state.earlier = state.latest;
    state.latest = { startMs: nowMs, total: 0, failed: 0 };
  }
  return state.latest;
}

function failsTooOften({ earlier, latest }: State, nowMs: number): boolean {
  const recent = [earlier, latest].filter(({ startMs }) => nowMs - startMs < 2 * HALF_WINDOW_MS);
  const total = recent.reduce((sum, half) => sum + half.total, 0);
  const failed = recent.reduce((sum, half) => sum + half.failed, 0);
  return total >= MIN_OUTCOMES && failed > total * MAX_ERROR_SHARE;
}
