/** The meter of rates and in-flight requests. */

import type { Clock } from "../../base/clock.ts";
import type { AditError, RefusingLimit } from "../../base/errors.ts";
import type { Spent, Usage } from "../../base/usage.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";
import type { Allowance, RateLimit, TokenWeights } from "../../snapshot/limits.ts";
import type { Store } from "../../store/store.ts";
import type { Held, Meter, Taken, Wait } from "../admission/admit.ts";
import type { Asked, Counted } from "../admission/asked.ts";
import type { Dialect } from "../dialect.ts";
import { Bucket, type Gate, type RuleCounts, Slots, takeFrom, waitFor, type What, WHATS } from "./gate.ts";
import { limitHeaders } from "./limit_headers.ts";
import { limitRefusal, unmeteredRefusal } from "./limit_refusal.ts";
import { LimitStates, periodIn, RuleBook, type UsedLimit, type UsedSubject } from "./rule_book.ts";

export interface RateLimitsOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly snapshot: Snapshot;
  /** Called for each subject that uses a limit for the first time. */
  readonly onUsed?: ((subject: UsedSubject) => void) | undefined;
  /** Called once per limit for a request that needs more than may ever be taken at once. */
  readonly onOversized: (limit: RefusingLimit) => void;
}

/** What `/-/status` shows of a rule. */
export interface RuleStatus {
  readonly mode: string;
  readonly refused: number;
  readonly would_refuse: number;
}

/** One limit of a rule, and what one subject has used of it. */
export interface LimitUse {
  readonly rule: RateLimit;
  readonly counts: Readonly<RuleCounts>;
  readonly what: What;
  /** Empty where all share one, and where nobody has used it. */
  readonly subject: string;
  /** Requests or tokens in the period, or requests at the same time. */
  readonly limit: number;
  /** 0 for requests at the same time. */
  readonly periodMs: number;
  /** What can be used at once when nothing has been used. */
  readonly depth: number;
  readonly remaining: number;
  /** Until everything can be used again; 0 for requests at the same time. */
  readonly resetUs: number;
}

/** One per process: its state outlives configurations. Requests of earlier ones follow the current rules. */
export class RateLimits implements Meter {
  readonly #options: RateLimitsOptions;
  readonly #states: LimitStates;
  readonly #oversized = new Set<string>();
  #book: RuleBook;

  constructor(options: RateLimitsOptions) {
    this.#options = options;
    this.#states = new LimitStates(options.store, options.onUsed ?? (() => {}));
    this.#book = new RuleBook(options.snapshot, this.#states);
  }

  /** Follows the rules of another configuration from now on. */
  use(snapshot: Snapshot): void {
    this.#states.sweep(this.#nowUs());
    this.#book = new RuleBook(snapshot, this.#states);
  }

  /** Notes that another thread uses the limit of a subject, so that the views show it. */
  noteUsed({ what, ...of }: UsedSubject): void {
    const rule = this.#book.rules.find(({ name }) => name === of.rule);
    if (rule === undefined) return;
    if (what === "concurrent") return void this.#states.slots(of);
    const allowance = rule[what].find((each) => periodIn(rule[what], each) === of.periodMs);
    if (allowance !== undefined) this.#states.bucket({ what, ...of }, allowance, this.#nowUs());
  }

  /** The refusal that is certain whatever the body of the request says; takes nothing. */
  peek(caller: Caller, counts: Counted, dialect: Dialect): AditError | undefined {
    if (this.#book.rules.length === 0) return undefined;
    const nowUs = this.#nowUs();
    const gates = this.#book.earlyGatesFor(caller, nowUs);
    const need = { id: "", units: 1, nowUs };
    const first = gates.find((gate) => applies(gate, counts) && waitFor(gate, need) > 0);
    if (first === undefined) return undefined;
    first.counts.addRefused();
    const refusing = gates.filter((gate) => applies(gate, counts));
    return this.#refusal(refusing, { dialect, nowUs, units: () => 1 });
  }

  take(asked: Asked): Taken | undefined {
    if (this.#book.rules.length === 0) return undefined;
    const { id, caller, plan, counts, dialect } = asked.parts;
    const nowUs = this.#nowUs();
    const all = this.#book.gatesFor(caller, plan, nowUs);
    if (all.length === 0) return undefined;
    if (counts === "unmetered") {
      const gate = all.find(({ what, rule }) => what === "tokens" && rule.mode === "enforce");
      if (gate !== undefined) {
        gate.counts.addRefused();
        return { refused: unmeteredRefusal(gate) };
      }
    }
    const holding = new Holding(asked, all, this.#options.clock);
    for (const gate of all) {
      if (!applies(gate, counts)) continue;
      const units = unitsOf(gate, asked);
      if (takeFrom(gate, { id, units, nowUs }) === 0) {
        holding.add(gate, units);
        if (gate.what === "tokens" && units > gate.state.depth) this.#reportOversized(gate);
      } else if (gate.rule.mode === "shadow") {
        gate.counts.addWouldRefuse();
        holding.shadowed.push({ rule: gate.rule.name, what: gate.what });
      } else {
        holding.cancel();
        const refused = this.#refusal(all.filter((each) => applies(each, counts)), {
          dialect,
          nowUs,
          units: (each) => unitsOf(each, asked),
        });
        if (gate.rule.waitMs > 0) return { refused, wait: waitAt(gate, refused) };
        gate.counts.addRefused();
        return { refused };
      }
    }
    return { held: holding };
  }

  /** By rule; what is held is 0 when nothing is in flight. */
  status(): { readonly held: number; readonly rules: Readonly<Record<string, RuleStatus>> } {
    const rules = this.#book.rules.map(({ name, mode }) => {
      const { refused, wouldRefuse } = this.#states.counts(name);
      return [name, { mode, refused, would_refuse: wouldRefuse }] as const;
    });
    return { held: this.#states.held, rules: Object.fromEntries(rules) };
  }

  /** Every limit of every rule, for each subject that has used it; one without a subject where nobody has. */
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
    return Math.floor(this.#options.clock.monotonic() * 1000);
  }

  /** By the limit that takes longest, so that a client that obeys is not refused by the next one. */
  #refusal(gates: readonly Gate[], { dialect, nowUs, units }: RefusalOptions): AditError {
    const waits = gates.filter(({ rule }) => rule.mode === "enforce").map((gate) => ({
      gate,
      waitUs: waitFor(gate, { id: "", units: units(gate), nowUs }),
    }));
    const longest = waits.reduce((a, b) => b.waitUs > a.waitUs ? b : a);
    const headers = Object.fromEntries(
      limitHeaders(gates, dialect, { nowUs, wallMs: this.#options.clock.now() }),
    );
    return limitRefusal(longest.gate, { waitUs: longest.waitUs, units: units(longest.gate), headers });
  }

  #reportOversized({ rule: { name }, what }: Gate): void {
    if (this.#oversized.has(name)) return;
    this.#oversized.add(name);
    this.#options.onOversized({ rule: name, what });
  }
}

/** One limit of a rule. */
interface OneLimit extends Pick<UsedLimit, "what" | "periodMs"> {
  /** Undefined for requests at the same time. */
  readonly rate: Allowance | undefined;
}

function limitsOf(rule: RateLimit): readonly OneLimit[] {
  return WHATS.flatMap((what): readonly OneLimit[] => {
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
  readonly dialect: Dialect;
  readonly nowUs: number;
  readonly units: (gate: Gate) => number;
}

/** A request of another thread that ends wakes nobody here, so the first in a line looks again after this time. */
const SLOT_RETRY_MS = 100;

function waitAt({ rule, counts, what, state: { line } }: Gate, { details }: AditError): Wait {
  return {
    line,
    withinMs: rule.waitMs,
    retryMs: what === "concurrent" ? SLOT_RETRY_MS : details.retryAfterMs ?? 0,
    onGivenUp: () => counts.addRefused(),
  };
}

/** Whether a request that counts as this is limited by the gate. */
function applies({ what }: Gate, counts: Counted): boolean {
  return what !== "tokens" || counts === "tokens";
}

function unitsOf(gate: Gate, asked: Asked): number {
  if (gate.what !== "tokens") return 1;
  const { weights, reserveOutput } = gate.rule;
  const { inputTokens, maxOutputTokens, typicalOutputTokens } = asked.estimate;
  const output = Math.min(maxOutputTokens, typicalOutputTokens, reserveOutput);
  return Math.ceil(inputTokens * weights.input + output * weights.output);
}

function weighted(usage: Usage, weights: TokenWeights): number {
  return Math.ceil(
    usage.inputTokens * weights.input + usage.outputTokens * weights.output +
      usage.cacheWriteTokens * weights.cacheWrite + usage.cacheReadTokens * weights.cacheRead,
  );
}

/** What the gates have given to one request. */
class Holding implements Held {
  readonly shadowed: RefusingLimit[] = [];
  readonly #asked: Asked;
  readonly #all: readonly Gate[];
  readonly #clock: Clock;
  #taken: { readonly gate: Gate; readonly units: number }[] = [];

  constructor(asked: Asked, all: readonly Gate[], clock: Clock) {
    this.#asked = asked;
    this.#all = all;
    this.#clock = clock;
  }

  add(gate: Gate, units: number): void {
    this.#taken.push({ gate, units });
  }

  cancel(): void {
    this.#close(() => 0);
  }

  release(): void {
    const kept = [];
    for (const each of this.#taken) {
      if (each.gate.what === "concurrent") each.gate.state.release(this.#asked.parts.id);
      else kept.push(each);
    }
    this.#taken = kept;
  }

  settle({ usage }: Spent): void {
    this.#close((gate, units) => gate.what === "tokens" ? weighted(usage, gate.rule.weights) : units);
  }

  #close(usedOf: (gate: Gate, units: number) => number): void {
    const nowUs = Math.floor(this.#clock.monotonic() * 1000);
    for (const { gate, units } of this.#taken.splice(0)) {
      if (gate.what === "concurrent") gate.state.release(this.#asked.parts.id);
      else gate.state.settle(units, { used: usedOf(gate, units), nowUs });
    }
  }

  addHeaders(headers: Headers): void {
    const times = { nowUs: Math.floor(this.#clock.monotonic() * 1000), wallMs: this.#clock.now() };
    for (const [name, value] of limitHeaders(this.#all, this.#asked.parts.dialect, times)) {
      headers.set(name, value);
    }
  }
}
