/** The meter that limits money, tokens and requests in calendar windows. */

import type { Clock } from "../../base/clock.ts";
import { AditError } from "../../base/errors.ts";
import { type Budget, type BudgetRow, type BudgetWarning, definitionOf } from "../../snapshot/budget.ts";
import type { BudgetUnit, BudgetView } from "../../snapshot/budget_view.ts";
import { includesCaller, includesModel, ModelIndex, type ModelNames } from "../../snapshot/scope.ts";
import { ScopeIndex } from "../../snapshot/scope_index.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";
import type { Meter, Substitute, Taken } from "../admission/admit.ts";
import type { Asked, Counted } from "../admission/asked.ts";
import type { Numbers, Store } from "../../store/store.ts";
import { type Applied, BudgetHold, type Taking } from "./budget_hold.ts";
import { sizeOf } from "./budget_sizes.ts";
import { type BudgetIdentity, type BudgetState, BudgetStates } from "./budget_states.ts";
import { amountText, budgetCut, budgetHeader, budgetRefusal, viewOf } from "./budget_words.ts";
import { refuseUnknownSubject } from "./known_subject.ts";
import { NOTHING, subjectOf, type UsedByCaller, usedBySubject } from "./used_before.ts";
import { type Window, windowAt, windowEndText } from "./windows.ts";

export interface BudgetsOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly snapshot: Snapshot;
  /** The states from an earlier process; undefined if nobody calls `takeChanged`, as another thread stores changes. */
  readonly rows: readonly BudgetRow[] | undefined;
  /** Called after every change of a state. */
  readonly onChanged: (state: BudgetIdentity) => void;
  /** Called once for each window, subject and share of the limit. */
  readonly onWarning: (warning: BudgetWarning, budget: Budget) => void;
  /** Called when the clock was set by more than a minute, which may select another window. */
  readonly onClockJump: (byMs: number) => void;
}

/** Setting the clock by more than this counts as a jump. */
const CLOCK_JUMP_MS = 60_000;

/** The definition of a budget, and its current window. */
type Current = Omit<BudgetIdentity, "subject">;

/** The replacement of a budget's count by what the ledger knows, which has begun. */
export interface Refill {
  /** The start of the budget's window. */
  readonly fromMs: number;
  /** Has no effect if another refill of the budget has begun. */
  finish(used: UsedByCaller): void;
}

/** The state of a budget that nobody has used. */
const UNUSED = { subject: "", spent: 0n, held: 0n, used: 0n, beyond: 0n, requests: 0 };

/** One per thread, with the states of the process, which outlive configurations. */
export class Budgets implements Meter {
  readonly #options: BudgetsOptions;
  readonly #states: BudgetStates;
  /** Held while budgets are compared and changed: a request takes from all of its budgets together. */
  readonly #turn: Numbers;
  /** The definition and current window of each budget, which all its subjects share. */
  readonly #current = new Map<Budget, Current>();
  /** The latest refill of each budget, by name. */
  readonly #refills = new Map<string, Refill>();
  #snapshot: Snapshot;
  #named: ReadonlyMap<string, Budget> | undefined;
  #models: ModelIndex;
  #index: ScopeIndex<Budget>;
  /** The wall-clock time at which the monotonic clock was 0. */
  #clockOriginMs: number;

  constructor(options: BudgetsOptions) {
    this.#options = options;
    this.#clockOriginMs = options.clock.now() - options.clock.monotonic();
    this.#snapshot = options.snapshot;
    this.#models = new ModelIndex(options.snapshot.models);
    this.#index = new ScopeIndex(options.snapshot.budgets);
    this.#states = new BudgetStates({
      ...options,
      nowMs: () => options.clock.now(),
      definitionOf: (name) => this.#definitionOf(name),
    });
    this.#turn = options.store.numbers("budgets turn", 1);
  }

  /** Follows the budgets of this configuration from now on; what was spent under a name stays spent. */
  use(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#models = new ModelIndex(snapshot.models);
    this.#index = new ScopeIndex(snapshot.budgets);
    this.#current.clear();
    this.#named = undefined;
  }

  /** The budgets by name; built on demand. */
  get #byName(): ReadonlyMap<string, Budget> {
    return this.#named ??= new Map(this.#snapshot.budgets.map((budget) => [budget.name, budget]));
  }

  /** The states that changed since the last call. */
  readonly takeChanged = (): readonly BudgetRow[] => this.#states.takeChanged();

  take(asked: Asked): Taken | undefined {
    if (this.#snapshot.budgets.length === 0) return undefined;
    const { caller, plan, counts } = asked.parts;
    const models = this.#models.namesOf(plan);
    const { names } = models;
    const applied = this.#applied(caller, models, counts);
    if (applied.length === 0) return undefined;
    // Measures the body now, rather than during the turn, while other threads wait.
    if (counts === "tokens") void asked.estimate;
    return this.#turn.run(() => this.#take(applied, asked, names));
  }

  #take(applied: readonly Applied[], asked: Asked, names: readonly string[]): Taken {
    const takings: Taking[] = [];
    const nowMs = this.#options.clock.now();
    for (const { budget, state } of applied) {
      const size = sizeOf(budget, state, { asked, snapshot: this.#snapshot, nowMs });
      if (size instanceof AditError) return { refused: size };
      const isFree = budget.unit === "usd" && size.full === 0n;
      const fits = state.used + size.amount <= BigInt(budget.limit) && state.spent < BigInt(budget.limit);
      if (!fits && !isFree && !servesSpent(budget, names)) {
        return {
          refused: budgetRefusal(budget, state, { amount: size.amount, nowMs }),
          use: substituteOf(budget),
        };
      }
      const isCut = budget.cutStreams && !servesSpent(budget, names);
      takings.push({ budget, state, amount: size.amount, beyond: size.full - size.amount, isCut });
    }
    for (const { state, amount, beyond } of takings) {
      state.hold(amount, beyond);
      this.#states.changed(state);
    }
    return { held: new BudgetHold(takings, this) };
  }

  /** Replaces what a request has held by what it has used. */
  settle(takings: readonly Taking[], used: (budget: Budget) => bigint): void {
    for (const { budget, state, amount, beyond } of takings) {
      const spent = used(budget);
      this.#turn.run(() => {
        state.release(amount, beyond);
        state.spend(spent, 1);
        this.#warn(budget, state);
      });
      this.#states.changed(state);
    }
  }

  /**
   * Holds what a running stream has used beyond its hold, in the budgets that cut streams. Returns the refusal of the
   * first budget with not enough left, which then holds nothing more.
   */
  outgrow(takings: readonly Taking[], used: (budget: Budget) => bigint): AditError | undefined {
    for (const taking of takings) {
      if (!taking.isCut) continue;
      const more = used(taking.budget) - taking.amount;
      if (more <= 0n) continue;
      const refused = this.#turn.run(() => this.#grow(taking, more));
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  #grow(taking: Taking, more: bigint): AditError | undefined {
    const { budget, state } = taking;
    if (state.used + more > BigInt(budget.limit)) return budgetCut(budget, state);
    state.grow(more, more < taking.beyond ? more : taking.beyond);
    taking.amount += more;
    taking.beyond = more < taking.beyond ? taking.beyond - more : 0n;
    this.#states.changed(state);
    return undefined;
  }

  /** Gives back the hold of a request that another meter has refused. */
  cancel(takings: readonly Taking[]): void {
    for (const { state, amount, beyond } of takings) {
      state.release(amount, beyond);
      this.#states.changed(state);
    }
  }

  /** Records that another thread has changed a state. */
  noteChanged(identity: BudgetIdentity): void {
    this.#states.changed(this.#states.of(identity));
  }

  /** The value of `x-adit-budget` for the budgets that have warned; undefined if none has. */
  header(takings: readonly Taking[]): string | undefined {
    const warned = takings.filter(({ state }) => state.alerted > 0);
    return warned.length === 0
      ? undefined
      : warned.map(({ budget, state }) => budgetHeader(budget, state)).join(", ");
  }

  /**
   * Begins to replace a budget's count in its current window by what the ledger knows. What is spent from now on is
   * added to that. What its states counted before, perhaps while the budget had this definition earlier, is dropped.
   */
  refill(budget: Budget, subjects: readonly string[] = []): Refill {
    const current = this.#currentOf(budget);
    const states = [
      ...this.#states.subjectsOf(current),
      ...subjects.map((subject) => this.#states.of({ ...current, subject })),
    ];
    const before = new Map(
      states.map((state) => [state.subject, { amount: state.spent, requests: BigInt(state.requests) }]),
    );
    const refill: Refill = {
      fromMs: current.window.startMs,
      finish: (used) => {
        if (this.#refills.get(budget.name) !== refill) return;
        this.#refills.delete(budget.name);
        const known = usedBySubject(budget, used, this.#models);
        for (const subject of new Set([...before.keys(), ...known.keys()])) {
          const { amount, requests } = known.get(subject) ?? NOTHING;
          const counted = before.get(subject) ?? NOTHING;
          const state = this.#states.of({ ...current, subject });
          this.#turn.run(() => {
            state.spend(amount - counted.amount, Number(requests - counted.requests));
            this.#warn(budget, state);
          });
          this.#states.changed(state);
        }
      },
    };
    this.#refills.set(budget.name, refill);
    return refill;
  }

  /** Every budget, for each subject that has used it; for one caller, only the budgets that apply to it. */
  view(caller?: Caller): readonly BudgetView[] {
    const all = caller === undefined ? this.#snapshot.budgets : this.#index.of(caller.name);
    return all.filter(({ scope }) => caller === undefined || includesCaller(scope, caller))
      .flatMap((budget) => {
        const current = this.#currentOf(budget);
        // A refill may have left nothing of what a subject has spent.
        const known = this.#states.subjectsOf(current).filter((state) => state.isUsed);
        const own = caller === undefined ? undefined : subjectOf(budget, caller, undefined);
        const states = known.filter(({ subject }) => own === undefined || subject === own);
        if (states.length > 0) return states.map((state) => viewOf(budget, state));
        if (own !== undefined) return viewOf(budget, this.#states.of({ ...current, subject: own }));
        // Not a new state, as a configuration may have very many unused budgets: they would leave no room for others.
        return budget.each === "none" ? viewOf(budget, { ...UNUSED, window: current.window }) : [];
      });
  }

  unitOf(name: string): BudgetUnit | undefined {
    return this.#byName.get(name)?.unit;
  }

  /**
   * Adds an amount to what a subject has spent in the current window; `undefined` sets it to nothing. Returns the new
   * view, or undefined if there is no such budget. Throws an AditError for a subject that the budget cannot have, whose
   * amount would never be compared with anything.
   */
  correct(name: string, subject: string, amount: bigint | undefined): BudgetView | undefined {
    const budget = this.#byName.get(name);
    if (budget === undefined) return undefined;
    const current = this.#currentOf(budget);
    const isUsed = this.#states.subjectsOf(current).some((state) =>
      state.subject === subject && state.isUsed
    );
    if (!isUsed) refuseUnknownSubject(budget, subject, this.#snapshot);
    const state = this.#states.of({ ...current, subject });
    this.#turn.run(() => {
      const spent = amount === undefined ? 0n : state.spent + amount;
      state.spend((spent < 0n ? 0n : spent) - state.spent, 0);
      const share = Number(state.spent) / budget.limit;
      state.alerted = budget.warn.filter((each) => share >= each).length;
    });
    this.#states.changed(state);
    return viewOf(budget, state);
  }

  #applied(caller: Caller, { subject, names }: ModelNames, counts: Counted): readonly Applied[] {
    return this.#index.of(caller.name)
      .filter(({ scope, unit }) =>
        isCounted(unit, counts) && includesCaller(scope, caller) &&
        includesModel(scope, names)
      )
      .map((budget) => ({
        budget,
        state: this.#states.of({
          ...this.#currentOf(budget),
          subject: subjectOf(budget, caller, subject) ?? "",
        }),
      }));
  }

  /** After a jump of the clock, this is the window of the new time, with what was spent in it before. */
  #currentOf(budget: Budget): Current {
    const nowMs = this.#options.clock.now();
    this.#noticeJump(nowMs);
    const known = this.#current.get(budget);
    if (known !== undefined && isIn(known.window, nowMs)) return known;
    const { name } = budget;
    const definition = known?.definition ?? definitionOf(budget);
    const current = { name, definition, window: windowAt(budget.window, budget.timeZone, nowMs) };
    this.#current.set(budget, current);
    return current;
  }

  /** The current definition; undefined if no budget has this name. */
  #definitionOf(name: string): string | undefined {
    const budget = this.#byName.get(name);
    return budget && this.#currentOf(budget).definition;
  }

  #noticeJump(nowMs: number): void {
    const originMs = nowMs - this.#options.clock.monotonic();
    const byMs = originMs - this.#clockOriginMs;
    if (Math.abs(byMs) > CLOCK_JUMP_MS) this.#options.onClockJump(byMs);
    // Updated every time, so that slow corrections of the clock do not add up to a jump.
    this.#clockOriginMs = originMs;
  }

  #warn(budget: Budget, state: BudgetState): void {
    const { endMs } = state.window;
    const share = Number(state.spent) / budget.limit;
    for (
      let next = budget.warn[state.alerted];
      next !== undefined && share >= next;
      next = budget.warn[state.alerted]
    ) {
      state.alerted++;
      this.#options.onWarning({
        budget: budget.name,
        subject: state.subject,
        percent: Math.round(next * 100),
        unit: budget.unit,
        spent: amountText(budget, state.spent),
        limit: amountText(budget, BigInt(budget.limit)),
        window_end: endMs === undefined ? null : windowEndText(endMs, budget.timeZone),
      }, budget);
    }
  }
}

/** Whether requests that count as this use any of the unit. */
function isCounted(unit: BudgetUnit, counts: Counted): boolean {
  if (unit === "requests") return true;
  return counts === "units" ? unit === "usd" : counts !== "requests";
}

function isIn({ startMs, endMs }: Window, nowMs: number): boolean {
  return nowMs >= startMs && (endMs === undefined || nowMs < endMs);
}

/** Whether a spent budget still admits requests for these models: it only warns, or sends other requests there. */
function servesSpent({ whenSpent }: Budget, models: readonly string[]): boolean {
  return typeof whenSpent === "string" ? whenSpent === "warn" : models.includes(whenSpent.use);
}

function substituteOf({ name, whenSpent }: Budget): Substitute | undefined {
  return typeof whenSpent === "string" ? undefined : { model: whenSpent.use, budget: name };
}
