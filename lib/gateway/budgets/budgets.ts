/** The meter of budgets: money, tokens or requests in calendar windows. */

import type { Clock } from "../../base/clock.ts";
import { AditError } from "../../base/errors.ts";
import type { Spent, Usage } from "../../base/usage.ts";
import { costOf, usdText } from "../../facts/cost.ts";
import type { Budget, BudgetRow, BudgetView } from "../../snapshot/budget.ts";
import type { Plan } from "../../snapshot/plan.ts";
import { includesCaller, includesModel, ModelIndex, type ModelNames } from "../../snapshot/scope.ts";
import type { Caller, Snapshot } from "../../snapshot/snapshot.ts";
import type { Held, Meter, Substitute, Taken } from "../admission/admit.ts";
import type { Asked, Counted } from "../admission/asked.ts";
import { targetPrice } from "../request_cost.ts";
import type { Numbers, Store } from "../../store/store.ts";
import { type BudgetIdentity, type BudgetState, BudgetStates } from "./budget_states.ts";
import { type Window, windowAt, windowEndText } from "./windows.ts";

export interface BudgetsOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly snapshot: Snapshot;
  /** The states of an earlier process. */
  readonly rows: readonly BudgetRow[];
  /** Called after every change of a state, which is to be kept. */
  readonly onChanged: (state: BudgetIdentity) => void;
  /** Called once for each window, subject and share of the limit. */
  readonly onWarning: (warning: BudgetWarning) => void;
  /** Called when the clock has been set by more than a minute, which may select another window. */
  readonly onClockJump: (byMs: number) => void;
}

export interface BudgetWarning {
  readonly budget: string;
  readonly subject: string;
  /** Of the limit, in percent. */
  readonly percent: number;
  /** Amounts in the budget's unit, as they are shown. */
  readonly spent: string;
  readonly limit: string;
}

/** A clock that is set by more than this has jumped. */
const CLOCK_JUMP_MS = 60_000;

/** Holds of the largest size below which every hold is of that size. */
const FULL_HOLDS = 20n;

/** A budget that applies to a request, with the state of its subject. */
interface Applied {
  readonly budget: Budget;
  readonly state: BudgetState;
}

/** What one budget holds for one request. */
interface Taking extends Applied {
  readonly amount: bigint;
  readonly beyond: bigint;
}

/** One per thread, with the states of the process, which outlive configurations. */
export class Budgets implements Meter {
  readonly #options: BudgetsOptions;
  readonly #states: BudgetStates;
  /** Held while budgets are compared and changed, which are taken together. */
  readonly #turn: Numbers;
  /** The current window of each budget. */
  readonly #windows = new Map<Budget, Window>();
  #snapshot: Snapshot;
  #models: ModelIndex;
  /** The time on the wall at which the monotonic clock began. */
  #clockOriginMs: number;

  constructor(options: BudgetsOptions) {
    this.#options = options;
    this.#states = new BudgetStates({ ...options, nowMs: () => options.clock.now() });
    this.#turn = options.store.numbers("budgets turn", 1);
    this.#clockOriginMs = options.clock.now() - options.clock.monotonic();
    this.#snapshot = options.snapshot;
    this.#models = new ModelIndex(options.snapshot.models);
  }

  /** Follows the budgets of another configuration; what was spent under a name stays spent. */
  use(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#models = new ModelIndex(snapshot.models);
    this.#windows.clear();
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
    // The body is measured now rather than while other threads wait.
    if (counts === "tokens") void asked.estimate;
    return this.#turn.run(() => this.#take(applied, asked, names));
  }

  #take(applied: readonly Applied[], asked: Asked, names: readonly string[]): Taken {
    const takings: Taking[] = [];
    for (const { budget, state } of applied) {
      const size = this.#sizeOf(budget, state, asked);
      if (size instanceof AditError) return { refused: size };
      const isFree = budget.unit === "usd" && size.full === 0n;
      const fits = state.used + size.amount <= BigInt(budget.limit) && state.spent < BigInt(budget.limit);
      if (!fits && !isFree && !servesSpent(budget, names)) {
        return {
          refused: this.#refusal(budget, state, size.amount),
          use: substituteOf(budget),
        };
      }
      takings.push({ budget, state, amount: size.amount, beyond: size.full - size.amount });
    }
    for (const { state, amount, beyond } of takings) {
      state.hold(amount, beyond);
      this.#states.changed(state);
    }
    return { held: new BudgetHold(takings, this) };
  }

  /** Replaces what a request held by what it used. */
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

  /** Gives back what a request held that was refused elsewhere. */
  cancel(takings: readonly Taking[]): void {
    for (const { state, amount, beyond } of takings) {
      state.release(amount, beyond);
      this.#states.changed(state);
    }
  }

  /** Notes a change that another thread has made. */
  noteChanged({ name, subject, window }: BudgetIdentity): void {
    this.#states.changed(this.#states.of({ name }, subject, window));
  }

  /** The value of `x-adit-budget` for budgets that have warned; undefined if there is none. */
  header(takings: readonly Taking[]): string | undefined {
    const warned = takings.filter(({ state }) => state.alerted > 0);
    return warned.length === 0
      ? undefined
      : warned.map(({ budget, state }) => this.#headerOf(budget, state)).join(", ");
  }

  /** Every budget with each of its subjects that has spent something; for one caller, only those that apply to it. */
  view(caller?: Caller): readonly BudgetView[] {
    return this.#snapshot.budgets.filter(({ scope }) => caller === undefined || includesCaller(scope, caller))
      .flatMap((budget) => {
        const window = this.#windowOf(budget);
        const known = this.#states.subjectsOf(budget.name, window.startMs);
        const own = caller === undefined ? undefined : subjectOf(budget, caller, undefined);
        const states = known.filter(({ subject }) => own === undefined || subject === own);
        const shown = states.length === 0 && (own ?? (budget.each === "none" ? "" : undefined)) !== undefined
          ? [this.#states.of(budget, own ?? "", window)]
          : states;
        return shown.map((state) => viewOf(budget, state));
      });
  }

  /**
   * Corrects what a subject has spent in the current window by an amount, or with `undefined` to nothing. Returns the
   * view of it; undefined if there is no such budget.
   */
  correct(name: string, subject: string, amount: bigint | undefined): BudgetView | undefined {
    const budget = this.#snapshot.budgets.find((each) => each.name === name);
    if (budget === undefined) return undefined;
    const state = this.#states.of(budget, subject, this.#windowOf(budget));
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
    return this.#snapshot.budgets
      .filter(({ scope, unit }) =>
        (unit === "requests" || counts !== "requests") && includesCaller(scope, caller) &&
        includesModel(scope, names)
      )
      .map((budget) => ({
        budget,
        state: this.#states.of(budget, subjectOf(budget, caller, subject) ?? "", this.#windowOf(budget)),
      }));
  }

  /** A clock that jumps finds the window of the new time, with what was spent in it before. */
  #windowOf(budget: Budget): Window {
    const nowMs = this.#options.clock.now();
    this.#noticeJump(nowMs);
    const known = this.#windows.get(budget);
    if (known !== undefined && nowMs >= known.startMs && (known.endMs === undefined || nowMs < known.endMs)) {
      return known;
    }
    const window = windowAt(budget.window, budget.timeZone, nowMs);
    this.#windows.set(budget, window);
    return window;
  }

  #noticeJump(nowMs: number): void {
    const originMs = nowMs - this.#options.clock.monotonic();
    const byMs = originMs - this.#clockOriginMs;
    if (Math.abs(byMs) > CLOCK_JUMP_MS) this.#options.onClockJump(byMs);
    // Slow corrections of the clock never add up to a jump.
    this.#clockOriginMs = originMs;
  }

  /** What a request holds of a budget, and the most that it can use; or why it must be refused. */
  #sizeOf(
    budget: Budget,
    state: BudgetState,
    asked: Asked,
  ): { readonly amount: bigint; readonly full: bigint } | AditError {
    const { counts, plan } = asked.parts;
    if (budget.unit === "requests") return { amount: 1n, full: 1n };
    if (counts === "unmetered") {
      if (budget.whenSpent === "warn") return { amount: 0n, full: 0n };
      const rule = { rule: budget.name, what: budget.unit };
      return new AditError(
        "limit_unmetered",
        `refused by this gateway: budget ${JSON.stringify(budget.name)} counts ${
          budget.unit === "usd" ? "money" : "tokens"
        }, and Bedrock does not report the tokens of this operation`,
        { limit: rule },
      );
    }
    const { inputTokens, maxOutputTokens, typicalOutputTokens } = asked.estimate;
    const input = Math.ceil(inputTokens * INPUT_MARGIN);
    const typical = this.#amountOf(budget, plan, { input, output: typicalOutputTokens });
    const full = this.#amountOf(budget, plan, { input, output: maxOutputTokens });
    if (typical === undefined || full === undefined) {
      // With an unknown price nothing can be held; whether it is served at all is the operator's choice.
      if (this.#snapshot.prices.unknown === "allow" || budget.whenSpent === "warn") {
        return { amount: 0n, full: 1n };
      }
      return priceUnknown(budget, plan);
    }
    const isNear = BigInt(budget.limit) - state.used < FULL_HOLDS * full;
    return { amount: budget.reserve === "full" || isNear ? full : typical, full };
  }

  /** Tokens, or nanodollars at the first target; undefined if its price is unknown. */
  #amountOf(
    budget: Budget,
    plan: Plan,
    tokens: { readonly input: number; readonly output: number },
  ): bigint | undefined {
    if (budget.unit === "tokens") return BigInt(tokens.input + tokens.output);
    const [target] = plan.targets;
    const price = targetPrice(target, this.#snapshot, this.#options.clock.now());
    if (price === undefined) return undefined;
    const usage = {
      inputTokens: tokens.input,
      outputTokens: tokens.output,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
    };
    const nano = costOf(usage, price.row, target.settings?.defaults.serviceTier);
    return nano === undefined ? undefined : BigInt(nano);
  }

  #warn(budget: Budget, state: BudgetState): void {
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
        spent: amountText(budget, state.spent),
        limit: amountText(budget, BigInt(budget.limit)),
      });
    }
  }

  #refusal(budget: Budget, state: BudgetState, amount: bigint): AditError {
    const { endMs } = state.window;
    const limit = amountText(budget, BigInt(budget.limit));
    const until = endMs === undefined ? "" : `; it begins again at ${windowEndText(endMs, budget.timeZone)}`;
    const why = state.spent >= BigInt(budget.limit)
      ? "is spent"
      : `has ${amountText(budget, remainingOf(budget, state))} left, and this request may need ${
        amountText(budget, amount)
      }`;
    return new AditError(
      "budget_spent",
      `refused by this gateway: budget ${JSON.stringify(budget.name)} of ${limit} ${UNITS[budget.unit]} ${
        PERIODS[budget.window]
      } ${why}${until}`,
      {
        limit: { rule: budget.name, what: budget.unit },
        headers: { "x-adit-budget": this.#headerOf(budget, state) },
        ...(endMs !== undefined && { retryAfterMs: Math.max(1000, endMs - this.#options.clock.now()) }),
      },
    );
  }

  #headerOf(budget: Budget, state: BudgetState): string {
    const { endMs } = state.window;
    const reset = endMs === undefined ? "" : `;reset=${windowEndText(endMs, budget.timeZone)}`;
    return `${budget.name};remaining=${amountText(budget, remainingOf(budget, state))}${reset}`;
  }
}

/** Estimates of the prompt are seldom more than this too small. */
const INPUT_MARGIN = 1.1;

const UNITS = { usd: "USD", tokens: "tokens", requests: "requests" } as const;
const PERIODS = { day: "a day", week: "a week", month: "a month", total: "in total" } as const;

function priceUnknown(budget: Budget, { name }: Plan): AditError {
  return new AditError(
    "price_unknown",
    `refused by this gateway: the price of ${JSON.stringify(name)} is unknown, and budget ${
      JSON.stringify(budget.name)
    } counts money`,
    { limit: { rule: budget.name, what: budget.unit } },
  );
}

/** Whether a spent budget lets a request for one of the models pass: a model that it sends requests to is served. */
function servesSpent({ whenSpent }: Budget, models: readonly string[]): boolean {
  return typeof whenSpent === "string" ? whenSpent === "warn" : models.includes(whenSpent.use);
}

function substituteOf({ name, whenSpent }: Budget): Substitute | undefined {
  return typeof whenSpent === "string" ? undefined : { model: whenSpent.use, budget: name };
}

/** Undefined for a budget by model while the model is not known. */
function subjectOf({ each }: Budget, caller: Caller, model: string | undefined): string | undefined {
  switch (each) {
    case "caller":
      return caller.name;
    case "team":
      return caller.team ?? "";
    case "model":
      return model;
    case "none":
      return "";
  }
}

function remainingOf({ limit }: Budget, { used }: BudgetState): bigint {
  const left = BigInt(limit) - used;
  return left < 0n ? 0n : left;
}

function amountText({ unit }: Budget, amount: bigint): string {
  return unit === "usd" ? usdText(amount) : String(amount);
}

function viewOf(budget: Budget, state: BudgetState): BudgetView {
  const text = (amount: bigint) => amountText(budget, amount);
  const { startMs, endMs } = state.window;
  return {
    name: budget.name,
    subject: state.subject,
    unit: budget.unit,
    limit: text(BigInt(budget.limit)),
    spent: text(state.spent),
    held: text(state.held),
    remaining: text(remainingOf(budget, state)),
    worst_case: text(state.used + state.beyond),
    requests: state.requests,
    window_start: endMs === undefined ? null : windowEndText(startMs, budget.timeZone),
    window_end: endMs === undefined ? null : windowEndText(endMs, budget.timeZone),
    when_spent: typeof budget.whenSpent === "string" ? budget.whenSpent : `use ${budget.whenSpent.use}`,
  };
}

/** What budgets hold for one request. */
class BudgetHold implements Held {
  readonly #takings: readonly Taking[];
  readonly #budgets: Budgets;

  constructor(takings: readonly Taking[], budgets: Budgets) {
    this.#takings = takings;
    this.#budgets = budgets;
  }

  cancel(): void {
    this.#budgets.cancel(this.#takings);
  }

  settle({ usage }: Spent, costNano: number | undefined): void {
    this.#budgets.settle(this.#takings, ({ unit }) => {
      switch (unit) {
        case "usd":
          return BigInt(costNano ?? 0);
        case "tokens":
          return BigInt(tokensOf(usage));
        case "requests":
          return 1n;
      }
    });
  }

  addHeaders(headers: Headers): void {
    const value = this.#budgets.header(this.#takings);
    if (value !== undefined) headers.set("x-adit-budget", value);
  }
}

function tokensOf({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Usage): number {
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
}
