/** The rules of one configuration, and the limits that apply to a caller's requests for a model. */

import type { Allowance, Each, RateLimit } from "../../snapshot/limits.ts";
import type { Plan } from "../../snapshot/plan.ts";
import { includesCaller, includesModel, ModelIndex, type ModelNames } from "../../snapshot/scope.ts";
import { ScopeIndex } from "../../snapshot/scope_index.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";
import type { Store, Tally } from "../../store/store.ts";
import { Bucket, forgetBucket, type Gate, type RateGate, RuleCounts, Slots, type What } from "./gate.ts";

/** Whose limit it is. */
export interface LimitSubject {
  readonly rule: string;
  readonly each: Each;
  /** Empty where all share one. */
  readonly subject: string;
}

/** A subject that has used a limit, as plain data. */
export interface UsedSubject extends LimitSubject {
  readonly what: What;
  /** Of the rate if its rule has several of its kind; undefined otherwise, and for `concurrent`. */
  readonly periodMs: number | undefined;
}

/** A subject that has used a limit. */
export interface UsedLimit extends UsedSubject {
  readonly state: Bucket | Slots;
}

/** The state of every limit, by rule and subject. It outlives configurations. */
export class LimitStates {
  readonly #store: Store;
  readonly #allHeld: Tally;
  readonly #buckets = new Map<string, Bucket>();
  readonly #slots = new Map<string, Slots>();
  readonly #subjects = new Map<string, Omit<UsedLimit, "state">>();
  readonly #counts = new Map<string, RuleCounts>();

  readonly #onUsed: (subject: UsedSubject) => void;

  /** `onUsed` is called for each subject that uses a limit for the first time. */
  constructor(store: Store, onUsed: (subject: UsedSubject) => void) {
    this.#store = store;
    this.#onUsed = onUsed;
    this.#allHeld = store.tally("limits held");
  }

  bucket({ what, ...of }: UsedSubject & Pick<RateGate, "what">, allowance: Allowance, nowUs: number): Bucket {
    const key = this.#keyOf(what, of);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new Bucket(this.#store, { name: key, allowance, allHeld: this.#allHeld, nowUs });
      this.#buckets.set(key, bucket);
    } else bucket.change(allowance, nowUs);
    return bucket;
  }

  slots(of: LimitSubject): Slots {
    const key = this.#keyOf("concurrent", { ...of, periodMs: undefined });
    let slots = this.#slots.get(key);
    if (slots === undefined) {
      slots = new Slots(this.#store.calls(key), this.#allHeld);
      this.#slots.set(key, slots);
    }
    return slots;
  }

  /** Every limit that somebody has used, in no order. */
  *used(): Generator<UsedLimit> {
    for (const [key, subject] of this.#subjects) {
      const state = this.#buckets.get(key) ?? this.#slots.get(key);
      if (state !== undefined) yield { ...subject, state };
    }
  }

  #keyOf(what: What, { rule, each, subject, periodMs }: Omit<UsedSubject, "what">): string {
    const key = `${what}${periodMs === undefined ? "" : `/${periodMs}`} ${rule} ${each} ${subject}`;
    if (!this.#subjects.has(key)) {
      const used = { rule, each, subject, what, periodMs };
      this.#subjects.set(key, used);
      this.#onUsed(used);
    }
    return key;
  }

  counts(rule: string): RuleCounts {
    let counts = this.#counts.get(rule);
    if (counts === undefined) {
      counts = new RuleCounts(this.#store, rule);
      this.#counts.set(rule, counts);
    }
    return counts;
  }

  /** Forgets what is not in use, so that names of earlier configurations do not add up. */
  sweep(nowUs: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (!bucket.isIdle(nowUs)) continue;
      this.#buckets.delete(key);
      this.#subjects.delete(key);
      forgetBucket(this.#store, key);
    }
    for (const [key, slots] of this.#slots) {
      if (!slots.isIdle) continue;
      this.#slots.delete(key);
      this.#subjects.delete(key);
      this.#store.forget(key);
    }
  }

  /** Units and calls held by requests in flight in all threads, which is nothing once all have ended. */
  get held(): number {
    return this.#allHeld.total;
  }
}

/** Where all model ids without a configured name are counted together. */
const OTHER_IDS = "(other ids)";

/** The rules of one configuration. */
export class RuleBook {
  readonly #snapshot: Snapshot;
  readonly #states: LimitStates;
  readonly #models: ModelIndex;
  readonly #index: ScopeIndex<RateLimit>;
  /** By caller and configured model. */
  readonly #gates = new Map<string, Map<string, readonly Gate[]>>();
  /** By caller: what applies to every model. */
  readonly #early = new Map<string, readonly Gate[]>();

  constructor(snapshot: Snapshot, states: LimitStates) {
    this.#snapshot = snapshot;
    this.#states = states;
    this.#models = new ModelIndex(snapshot.models);
    this.#index = new ScopeIndex(snapshot.rateLimits);
  }

  /** The rules, in the order of the file. */
  get rules(): readonly RateLimit[] {
    return this.#snapshot.rateLimits;
  }

  /** The limits for a caller's request, in the order in which they are tried. */
  gatesFor(caller: Caller, plan: Plan, nowUs: number): readonly Gate[] {
    if (this.rules.length === 0) return [];
    const current = this.#snapshot.callers.get(caller.name);
    const [{ settings }] = plan.targets;
    // The request of an earlier configuration, and an id that only the client knows.
    if (current === undefined || settings === undefined || !this.#snapshot.models.has(plan.name)) {
      return this.#find(current ?? caller, this.#models.namesOf(plan), nowUs);
    }
    let byModel = this.#gates.get(caller.name);
    if (byModel === undefined) this.#gates.set(caller.name, byModel = new Map());
    let gates = byModel.get(plan.name);
    if (gates === undefined) {
      gates = this.#find(current, { subject: plan.name, names: [plan.name] }, nowUs);
      byModel.set(plan.name, gates);
    }
    return gates;
  }

  /** The limits of a caller that apply to every model and do not wait. */
  earlyGatesFor(caller: Caller, nowUs: number): readonly Gate[] {
    if (this.rules.length === 0) return [];
    const current = this.#snapshot.callers.get(caller.name);
    if (current === undefined) return [];
    let gates = this.#early.get(caller.name);
    if (gates === undefined) {
      const rules = this.#index.of(caller.name).filter((rule) =>
        rule.mode === "enforce" && rule.waitMs === 0 && EARLY.includes(rule.each) &&
        (rule.scope.models === undefined || rule.scope.models.includes("*"))
      );
      gates = this.#bind(rules, current, { subject: undefined, names: ["*"] }, nowUs);
      this.#early.set(caller.name, gates);
    }
    return gates;
  }

  #find(caller: Caller, names: ModelNames, nowUs: number): readonly Gate[] {
    const rules = this.#index.of(caller.name).filter(({ scope }) => includesModel(scope, names.names));
    return this.#bind(rules, caller, names, nowUs);
  }

  #bind(
    rules: readonly RateLimit[],
    caller: Caller,
    { subject: model = OTHER_IDS }: ModelNames,
    nowUs: number,
  ) {
    const gates = rules.filter(({ scope }) => includesCaller(scope, caller)).flatMap((rule) => {
      const of = { rule: rule.name, each: rule.each, subject: SUBJECTS[rule.each](caller, model) };
      return this.#gatesOf(rule, of, nowUs);
    });
    return ORDER.flatMap((what) => gates.filter((gate) => gate.what === what));
  }

  #gatesOf(rule: RateLimit, of: LimitSubject, nowUs: number): readonly Gate[] {
    const counts = this.#states.counts(rule.name);
    const rates = (what: RateGate["what"]): readonly RateGate[] =>
      rule[what].map((allowance) => {
        const used = { ...of, what, periodMs: periodIn(rule[what], allowance) };
        return { rule, counts, what, state: this.#states.bucket(used, allowance, nowUs) };
      });
    const slots: readonly Gate[] = rule.concurrent === undefined ? [] : [{
      rule,
      counts,
      what: "concurrent",
      max: rule.concurrent,
      state: this.#states.slots(of),
    }];
    return [...slots, ...rates("requests"), ...rates("tokens")];
  }
}

/** The period by which an allowance is known among several of its rule; a single one may change its period. */
export function periodIn(all: readonly Allowance[], { periodMs }: Allowance): number | undefined {
  return all.length > 1 ? periodMs : undefined;
}

const ORDER = ["concurrent", "requests", "tokens"] as const;

/** Subjects that are known without the model. */
const EARLY: readonly Each[] = ["caller", "team", "none"];

/** Whose allowance a request uses. Callers without a team share one. */
export const SUBJECTS = {
  caller: ({ name }: Caller) => name,
  team: ({ team = "" }: Caller) => team,
  model: (_caller: Caller, model: string) => model,
  caller_model: ({ name }: Caller, model: string) => `${name} ${model}`,
  none: () => "",
} as const satisfies Record<Each, (caller: Caller, model: string) => string>;
