/** The rules of one configuration, and the limits that apply to a caller's requests for a model. */

import type { Clock } from "../../base/clock.ts";
import type { Allowance, Each, RateLimit } from "../../snapshot/limits.ts";
import type { Plan } from "../../snapshot/plan.ts";
import { includesCaller, includesModel, ModelIndex, type ModelNames } from "../../snapshot/scope.ts";
import { ScopeIndex } from "../../snapshot/scope_index.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";
import { microseconds } from "../../store/gcra.ts";
import { type Section, type Store, type Tally, within } from "../../store/store.ts";
import { Bucket, Slots } from "./bucket.ts";
import { type Gate, LIMIT_KINDS, type LimitKind, type RateGate, RuleCounts } from "./gate.ts";
import { GateSet } from "./gate_set.ts";

/** The owner of a limit. */
export interface LimitSubject {
  readonly rule: string;
  readonly each: Each;
  /** Empty if all requests share one limit. */
  readonly subject: string;
}

/** A subject that has used a limit, as plain data. */
export interface UsedSubject extends LimitSubject {
  readonly what: LimitKind;
  /** The rate's period if the rule has several rates of this kind; undefined otherwise, and for `concurrent`. */
  readonly periodMs: number | undefined;
}

/** A subject that has used a limit, with the state. */
export interface UsedLimit extends UsedSubject {
  readonly state: Bucket | Slots;
}

export interface LimitStatesOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** The section of the buckets and slots. */
  readonly section: Section;
  /** Units and slots held by requests in flight; used within the section. */
  readonly allHeld: Tally;
  /** Called for each subject that uses a limit for the first time. */
  readonly onUsed: (subject: UsedSubject) => void;
}

/** The state of every limit by rule and subject, which outlives configurations. */
export class LimitStates {
  readonly #options: LimitStatesOptions;
  readonly #buckets = new Map<string, Bucket>();
  readonly #slots = new Map<string, Slots>();
  readonly #subjects = new Map<string, Omit<UsedLimit, "state">>();
  readonly #counts = new Map<string, RuleCounts>();

  constructor(options: LimitStatesOptions) {
    this.#options = options;
  }

  bucket({ what, ...of }: UsedSubject & Pick<RateGate, "what">, allowance: Allowance): Bucket {
    const key = this.#keyOf(what, of);
    const nowUs = this.#nowUs();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new Bucket(this.#options.section, { name: key, allowance, nowUs });
      this.#buckets.set(key, bucket);
    } else bucket.change(allowance, nowUs);
    return bucket;
  }

  slots(of: LimitSubject): Slots {
    const key = this.#keyOf("concurrent", { ...of, periodMs: undefined });
    let slots = this.#slots.get(key);
    if (slots === undefined) {
      slots = new Slots(this.#options.section, key);
      this.#slots.set(key, slots);
    }
    return slots;
  }

  /** Every limit that has been used, in no particular order. */
  *used(): Generator<UsedLimit> {
    for (const [key, subject] of this.#subjects) {
      const state = this.#buckets.get(key) ?? this.#slots.get(key);
      if (state !== undefined) yield { ...subject, state };
    }
  }

  #keyOf(what: LimitKind, { rule, each, subject, periodMs }: Omit<UsedSubject, "what">): string {
    const key = `${what}${periodMs === undefined ? "" : `/${periodMs}`} ${rule} ${each} ${subject}`;
    if (!this.#subjects.has(key)) {
      const used = { rule, each, subject, what, periodMs };
      this.#subjects.set(key, used);
      this.#options.onUsed(used);
    }
    return key;
  }

  counts(rule: string): RuleCounts {
    let counts = this.#counts.get(rule);
    if (counts === undefined) {
      counts = new RuleCounts(this.#options.store, rule);
      this.#counts.set(rule, counts);
    }
    return counts;
  }

  /** Forgets what is not in use, so that names of earlier configurations do not accumulate. */
  sweep(): void {
    const nowUs = this.#nowUs();
    for (const [key, bucket] of this.#buckets) {
      if (bucket.isIdle(nowUs)) this.#forget(key);
    }
    for (const [key, slots] of this.#slots) {
      if (slots.isIdle) this.#forget(key);
    }
  }

  #forget(key: string): void {
    this.#buckets.delete(key);
    this.#slots.delete(key);
    this.#subjects.delete(key);
    this.#options.store.forget(key);
  }

  /** Units and slots held by requests in flight in all threads; 0 when all have ended. */
  get held(): number {
    const { section, allHeld } = this.#options;
    return within(section, () => allHeld.total);
  }

  #nowUs(): number {
    return microseconds(this.#options.clock.monotonic());
  }
}

/** The subject that all model ids without a configured name share. */
const OTHER_IDS = "(other ids)";

/** The gates of one caller. */
interface CallerGates {
  /** Undefined if the configuration no longer has the caller. */
  readonly current: Caller | undefined;
  /** By configured model. */
  readonly byModel: Map<string, GateSet>;
  /** The gates that apply to every model and do not let requests wait. */
  early: GateSet | undefined;
}

/** The rules of one configuration. */
export class RuleBook {
  readonly #snapshot: Snapshot;
  readonly #states: LimitStates;
  readonly #models: ModelIndex;
  readonly #index: ScopeIndex<RateLimit>;
  readonly #byCaller = new WeakMap<Caller, CallerGates>();

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

  /** The limits for a caller's request; undefined if there are none. */
  gatesFor(caller: Caller, plan: Plan): GateSet | undefined {
    if (this.rules.length === 0) return undefined;
    const { current, byModel } = this.#gatesOfCaller(caller);
    const [{ settings }] = plan.targets;
    let set = settings && byModel.get(plan.name);
    if (set === undefined) {
      // Not kept for a request of an earlier configuration, or for an id that the client has chosen.
      const isKnown = current !== undefined && settings !== undefined && this.#snapshot.models.has(plan.name);
      const names = isKnown ? { subject: plan.name, names: [plan.name] } : this.#models.namesOf(plan);
      set = new GateSet(this.#find(current ?? caller, names));
      if (isKnown) byModel.set(plan.name, set);
    }
    return set.gates.length === 0 ? undefined : set;
  }

  /** A caller's limits that apply to every model and do not let requests wait; undefined if there are none. */
  earlyGatesFor(caller: Caller): GateSet | undefined {
    if (this.rules.length === 0) return undefined;
    const known = this.#gatesOfCaller(caller);
    if (known.current === undefined) return undefined;
    return known.early ??= new GateSet(this.#findEarly(known.current));
  }

  #gatesOfCaller(caller: Caller): CallerGates {
    let known = this.#byCaller.get(caller);
    if (known === undefined) {
      const current = this.#snapshot.callers.get(caller.name);
      known = { current, byModel: new Map(), early: undefined };
      this.#byCaller.set(caller, known);
    }
    return known;
  }

  #findEarly(caller: Caller): readonly Gate[] {
    const rules = this.#index.of(caller.name).filter((rule) =>
      rule.mode === "enforce" && rule.waitMs === 0 && EARLY.includes(rule.each) &&
      (rule.scope.models === undefined || rule.scope.models.includes("*"))
    );
    return this.#bind(rules, caller, { subject: undefined, names: ["*"] });
  }

  #find(caller: Caller, names: ModelNames): readonly Gate[] {
    const rules = this.#index.of(caller.name).filter(({ scope }) => includesModel(scope, names.names));
    return this.#bind(rules, caller, names);
  }

  #bind(rules: readonly RateLimit[], caller: Caller, { subject: model = OTHER_IDS }: ModelNames) {
    const gates = rules.filter(({ scope }) => includesCaller(scope, caller)).flatMap((rule) => {
      const of = { rule: rule.name, each: rule.each, subject: SUBJECTS[rule.each](caller, model) };
      return this.#gatesOf(rule, of);
    });
    return LIMIT_KINDS.flatMap((what) => gates.filter((gate) => gate.what === what));
  }

  #gatesOf(rule: RateLimit, of: LimitSubject): readonly Gate[] {
    const counts = this.#states.counts(rule.name);
    const rates = (what: RateGate["what"]): readonly RateGate[] =>
      rule[what].map((allowance) => {
        const used = { ...of, what, periodMs: periodIn(rule[what], allowance) };
        return { rule, counts, what, state: this.#states.bucket(used, allowance) };
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

/** The period that identifies one of several allowances of a rule; undefined for a single one, which may change it. */
export function periodIn(all: readonly Allowance[], { periodMs }: Allowance): number | undefined {
  return all.length > 1 ? periodMs : undefined;
}

/** Kinds of subjects that do not depend on the model. */
const EARLY: readonly Each[] = ["caller", "team", "none"];

/** The subject whose allowance a request uses. Callers without a team share one. */
export const SUBJECTS = {
  caller: ({ name }: Caller) => name,
  team: ({ team = "" }: Caller) => team,
  model: (_caller: Caller, model: string) => model,
  caller_model: ({ name }: Caller, model: string) => `${name} ${model}`,
  none: () => "",
} as const satisfies Record<Each, (caller: Caller, model: string) => string>;
