/** The meter that limits rates and the number of in-flight requests. */

import type { Clock } from "../../base/clock.ts";
import type { AditError, RefusingLimit } from "../../base/errors.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";
import type { Allowance, RateLimit } from "../../snapshot/limits.ts";
import { microseconds } from "../../store/gcra.ts";
import { type Store, within } from "../../store/store.ts";
import type { Asker, Meter, Taken, Wait } from "../admission/admit.ts";
import type { Asked } from "../admission/asked.ts";
import type { Dialect } from "../dialect.ts";
import { Bucket, Slots } from "./bucket.ts";
import { type Gate, LIMIT_KINDS, type LimitKind, type RuleCounts, unitsOf, waitFor } from "./gate.ts";
import type { GateSet } from "./gate_set.ts";
import { Holding, type HoldingTools } from "./holding.ts";
import { setLimitHeaders } from "./limit_headers.ts";
import { limitRefusal, unmeteredRefusal } from "./limit_refusal.ts";
import { LimitStates, periodIn, RuleBook, type UsedLimit, type UsedSubject } from "./rule_book.ts";

export interface RateLimitsOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly snapshot: Snapshot;
  /** Called for each subject that uses a limit for the first time. */
  readonly onUsed?: ((subject: UsedSubject) => void) | undefined;
  /** Called once per rule for a request that needs more than can ever be taken at once. */
  readonly onOversized: (limit: RefusingLimit) => void;
}

/** What `/-/status` shows of a rule. */
export interface RuleStatus {
  readonly mode: string;
  readonly refused: number;
  readonly would_refuse: number;
}

/** One limit of a rule, and how much one subject has used of it. */
export interface LimitUse {
  readonly rule: RateLimit;
  readonly counts: Readonly<RuleCounts>;
  readonly what: LimitKind;
  /** Empty if all requests share the limit, or if nobody has used it. */
  readonly subject: string;
  /** Requests or tokens in the period, or concurrent requests. */
  readonly limit: number;
  /** 0 for concurrent requests. */
  readonly periodMs: number;
  /** How much can be used at once when nothing has been used. */
  readonly depth: number;
  readonly remaining: number;
  /** Time until everything can be used again; 0 for concurrent requests. */
  readonly resetUs: number;
}

/** One per thread, with the state of the process. Requests of an earlier configuration follow the current rules. */
export class RateLimits implements Meter {
  readonly #options: RateLimitsOptions;
  readonly #states: LimitStates;
  readonly #tools: HoldingTools;
  readonly #oversized = new Set<string>();
  #book: RuleBook;

  constructor(options: RateLimitsOptions) {
    const { clock, store, snapshot, onUsed = () => {} } = options;
    this.#options = options;
    const section = store.section("limits");
    this.#tools = { clock, section, allHeld: section.tally("limits held") };
    this.#states = new LimitStates({ store, onUsed, ...this.#tools });
    this.#book = new RuleBook(snapshot, this.#states);
  }

  /** Follows the rules of this configuration from now on. */
  use(snapshot: Snapshot): void {
    this.#states.sweep();
    this.#book = new RuleBook(snapshot, this.#states);
  }

  /** Records that another thread uses the limit of a subject, so that the views show it. */
  noteUsed({ what, ...of }: UsedSubject): void {
    const rule = this.#book.rules.find(({ name }) => name === of.rule);
    if (rule === undefined) return;
    if (what === "concurrent") return void this.#states.slots(of);
    const allowance = rule[what].find((each) => periodIn(rule[what], each) === of.periodMs);
    if (allowance !== undefined) this.#states.bucket({ what, ...of }, allowance);
  }

  /** The refusal that no body could avoid; takes nothing. */
  peek({ caller, counts, dialect, arrivedMs }: Asker): AditError | undefined {
    const set = this.#book.earlyGatesFor(caller)?.of(counts);
    if (set === undefined || set.gates.length === 0) return undefined;
    const nowUs = microseconds(arrivedMs);
    const first = this.#firstShort(set.gates, nowUs);
    if (first === undefined) return undefined;
    first.counts.addRefused();
    return this.#refusal(set, { refusing: first, dialect, nowUs, units: () => 1 });
  }

  /** The first gate that refuses even the smallest request. */
  #firstShort(gates: readonly Gate[], nowUs: number): Gate | undefined {
    const { section } = this.#tools;
    section.enter();
    try {
      for (const gate of gates) if (waitFor(gate, 1, nowUs) > 0) return gate;
      return undefined;
    } finally {
      section.leave();
    }
  }

  take(asked: Asked): Taken | undefined {
    const { caller, plan, counts, dialect } = asked.parts;
    const set = this.#book.gatesFor(caller, plan);
    if (set === undefined) return undefined;
    const { refusesTokens } = set;
    if (counts === "unmetered" && refusesTokens !== undefined) {
      refusesTokens.counts.addRefused();
      return { refused: unmeteredRefusal(refusesTokens) };
    }
    const limiting = set.of(counts);
    // Measures the body now, rather than within the section, where other threads would wait.
    if (limiting.tokens.length > 0) void asked.estimate;
    const nowUs = this.#nowUs();
    const holding = new Holding(asked, set, this.#tools);
    const refusing = holding.take(limiting.gates, nowUs);
    if (refusing !== undefined) {
      const units = (gate: Gate) => unitsOf(gate, asked);
      const refused = this.#refusal(limiting, { refusing, dialect, nowUs, units });
      if (refusing.rule.waitMs > 0) return { refused, wait: waitAt(refusing, refused) };
      refusing.counts.addRefused();
      return { refused };
    }
    // Not before: a request that waits tries several times.
    for (const { counts } of holding.shadowing) counts.addWouldRefuse();
    for (const gate of limiting.tokens) {
      if (unitsOf(gate, asked) > gate.state.depth) this.#reportOversized(gate);
    }
    return { held: holding };
  }

  /** The counts of each rule, and the units that are held, which are 0 when nothing is in flight. */
  status(): { readonly held: number; readonly rules: Readonly<Record<string, RuleStatus>> } {
    const rules = this.#book.rules.map(({ name, mode }) => {
      const { refused, wouldRefuse } = this.#states.counts(name);
      return [name, { mode, refused, would_refuse: wouldRefuse }] as const;
    });
    return { held: this.#states.held, rules: Object.fromEntries(rules) };
  }

  /** Every limit of every rule, for each subject that has used it; without a subject if nobody has. */
  view(): readonly LimitUse[] {
    const nowUs = this.#nowUs();
    const used = Map.groupBy(
      this.#states.used(),
      ({ rule, what, periodMs }) => `${what} ${periodMs} ${rule}`,
    );
    return this.#book.rules.flatMap((rule) =>
      limitsOf(rule).flatMap((limit) => {
        const known = used.get(`${limit.what} ${limit.periodMs} ${rule.name}`) ?? [];
        const current = known.filter(({ each }) => each === rule.each);
        const counts = this.#states.counts(rule.name);
        return current.length === 0
          ? [useOf({ rule, counts, ...limit, subject: "", state: undefined }, nowUs)]
          : current.map(({ subject, state }) => useOf({ rule, counts, ...limit, subject, state }, nowUs));
      })
    );
  }

  #nowUs(): number {
    return microseconds(this.#options.clock.monotonic());
  }

  /**
   * Names the limit with the longest wait, so that a client that obeys is not refused by another one. A gate may refuse
   * only because others wait for it: it is first, and is named if no other limit is short.
   */
  #refusal(set: GateSet, { refusing, dialect, nowUs, units }: RefusalOptions): AditError {
    const others = set.gates.filter((gate) => gate !== refusing && gate.rule.mode === "enforce");
    const waits = within(
      this.#tools.section,
      () => [refusing, ...others].map((gate) => ({ gate, waitUs: waitFor(gate, units(gate), nowUs) })),
    );
    const { gate, waitUs } = waits.reduce((a, b) => b.waitUs > a.waitUs ? b : a);
    const headers = new Map<string, string>();
    setLimitHeaders(headers, set.reports(dialect), { ...this.#tools, nowUs });
    return limitRefusal(gate, { waitUs, units: units(gate), headers: Object.fromEntries(headers) });
  }

  #reportOversized({ rule: { name }, what }: Gate): void {
    if (this.#oversized.has(name)) return;
    this.#oversized.add(name);
    this.#options.onOversized({ rule: name, what });
  }
}

/** One limit of a rule. */
interface OneLimit extends Pick<UsedLimit, "what" | "periodMs"> {
  /** Undefined for concurrent requests. */
  readonly rate: Allowance | undefined;
}

function limitsOf(rule: RateLimit): readonly OneLimit[] {
  return LIMIT_KINDS.flatMap((what): readonly OneLimit[] => {
    if (what !== "concurrent") {
      return rule[what].map((rate) => ({ what, periodMs: periodIn(rule[what], rate), rate }));
    }
    return rule.concurrent === undefined ? [] : [{ what, periodMs: undefined, rate: undefined }];
  });
}

type StatedLimit = Pick<LimitUse, "rule" | "counts" | "what" | "subject"> & Pick<OneLimit, "rate"> & {
  readonly state: Bucket | Slots | undefined;
};

function useOf({ rate, state, ...use }: StatedLimit, nowUs: number): LimitUse {
  if (rate === undefined) {
    const limit = use.rule.concurrent ?? 0;
    const taken = state instanceof Slots ? state.size : 0;
    const remaining = Math.max(0, limit - taken);
    return { ...use, limit, periodMs: 0, depth: limit, remaining, resetUs: 0 };
  }
  const { limit, burstMs, periodMs } = rate;
  const depth = Math.floor(limit * burstMs / periodMs);
  const view = state instanceof Bucket ? state.view(nowUs) : { remaining: depth, resetUs: 0 };
  return { ...use, limit, periodMs, depth, ...view };
}

interface RefusalOptions {
  readonly refusing: Gate;
  readonly dialect: Dialect;
  readonly nowUs: number;
  readonly units: (gate: Gate) => number;
}

/** The first in a line tries again after this time, as requests that end in other threads wake nobody here. */
const SLOT_RETRY_MS = 100;

function waitAt({ rule, counts, what, state: { line } }: Gate, { details }: AditError): Wait {
  return {
    line,
    withinMs: rule.waitMs,
    retryMs: what === "concurrent" ? SLOT_RETRY_MS : details.retryAfterMs ?? 0,
    onGivenUp: () => counts.addRefused(),
  };
}
