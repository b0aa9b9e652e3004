/** What has been spent of every budget, by subject and window. Outlives configurations, and is stored on disk. */

import type { BudgetRow } from "../../snapshot/budget.ts";
import { addTo, type Cell, type Store, type Tally } from "../../store/store.ts";
import type { Window } from "./windows.ts";

/** A budget's subject and window, as plain data. */
export interface BudgetIdentity {
  readonly name: string;
  /** The definition of the budget, as a redefined budget has different states under the same name. */
  readonly definition: string;
  readonly subject: string;
  readonly window: Window;
}

/** The state of one subject and window, in memory that all threads share. */
export class BudgetState implements BudgetIdentity {
  readonly name: string;
  readonly definition: string;
  readonly subject: string;
  readonly window: Window;
  readonly #spent: Cell;
  readonly #held: Tally;
  readonly #beyond: Tally;
  readonly #requests: Cell;
  readonly #alerted: Cell;

  constructor(store: Store, { name, definition, subject, window }: BudgetIdentity) {
    this.name = name;
    this.definition = definition;
    this.subject = subject;
    this.window = window;
    const [spent, held, beyond, requests, alerted] = namesOf(
      keyOf({ name, definition, subject, window }),
    );
    this.#spent = store.cell(spent);
    this.#held = store.tally(held);
    this.#beyond = store.tally(beyond);
    this.#requests = store.cell(requests);
    this.#alerted = store.cell(alerted);
  }

  /** Nanodollars, tokens or requests. */
  get spent(): bigint {
    return BigInt(this.#spent.load());
  }

  get held(): bigint {
    return BigInt(this.#held.total);
  }

  /** The most that in-flight requests could use beyond what they hold. */
  get beyond(): bigint {
    return BigInt(this.#beyond.total);
  }

  get requests(): number {
    return this.#requests.load();
  }

  /** Number of warnings that have been given. */
  get alerted(): number {
    return this.#alerted.load();
  }

  set alerted(count: number) {
    addTo(this.#alerted, count - this.alerted);
  }

  get isUsed(): boolean {
    return this.requests > 0 || this.used > 0n;
  }

  get used(): bigint {
    return this.spent + this.held;
  }

  /** Takes what a request holds, and what it could use beyond that. */
  hold(amount: bigint, beyond: bigint): void {
    this.#held.take(Number(amount));
    this.#beyond.take(Number(beyond));
  }

  /** Takes more for a running request, a part of which counted as what it could use beyond its hold. */
  grow(more: bigint, ofBeyond: bigint): void {
    this.#held.take(Number(more));
    this.#beyond.give(Number(ofBeyond));
  }

  /** Gives back what a request has held. */
  release(amount: bigint, beyond: bigint): void {
    this.#held.give(Number(amount));
    this.#beyond.give(Number(beyond));
  }

  /** Adds what requests have used. */
  spend(amount: bigint, requests: number): void {
    addTo(this.#spent, Number(amount));
    addTo(this.#requests, requests);
  }
}

/** Number of states at which those of past windows are first forgotten. */
const SWEEP_STATES = 1_000;
const PAST_MS = 2 * 86_400_000;

export interface BudgetStatesOptions {
  readonly store: Store;
  /** Undefined if nobody calls `takeChanged`. */
  readonly rows: readonly BudgetRow[] | undefined;
  /** The current definition of the budget with this name; undefined if there is none. */
  readonly definitionOf: (name: string) => string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: () => number;
  readonly onChanged: (state: BudgetIdentity) => void;
}

/** The states of all budgets that this thread has used. */
export class BudgetStates {
  readonly #states = new Map<string, BudgetState>();
  /** The states by the name of the budget. */
  readonly #byName = new Map<string, Set<BudgetState>>();
  /** States that have yet to be stored, and are not forgotten before. */
  readonly #changed = new Set<BudgetState>();
  readonly #options: BudgetStatesOptions;
  /** Number of states at which those of past windows are forgotten next. */
  #sweepAt = SWEEP_STATES;

  /**
   * Continues with the rows of an earlier process. What its in-flight requests held when it died counts as spent, as
   * their real cost is unknown.
   */
  constructor(options: BudgetStatesOptions) {
    this.#options = options;
    for (const row of options.rows ?? []) {
      if (row.held === 0n && isLongPast(row.windowEndMs ?? undefined, options.nowMs())) continue;
      const { name, subject, windowStartMs, windowEndMs } = row;
      const window = { startMs: windowStartMs, endMs: windowEndMs ?? undefined };
      const definition = options.definitionOf(name) ?? "";
      const state = new BudgetState(options.store, { name, definition, subject, window });
      state.spend(row.spent + row.held, row.requests);
      state.alerted = row.alerted;
      this.#add(keyOf(state), state);
      if (row.held > 0n) this.#changed.add(state);
    }
  }

  /** What the requests of the previous process held when it died, by budget. */
  static heldIn(rows: readonly BudgetRow[]): ReadonlyMap<string, bigint> {
    const held = new Map<string, bigint>();
    for (const row of rows) {
      if (row.held > 0n) held.set(row.name, (held.get(row.name) ?? 0n) + row.held);
    }
    return held;
  }

  /** The state of a subject and window; a new one has nothing spent. */
  of(identity: BudgetIdentity): BudgetState {
    const key = keyOf(identity);
    let state = this.#states.get(key);
    if (state === undefined) {
      if (this.#states.size >= this.#sweepAt) this.#sweep();
      state = new BudgetState(this.#options.store, identity);
      this.#add(key, state);
    }
    return state;
  }

  /** The states of all subjects of a budget in the window. */
  subjectsOf({ name, definition, window }: Omit<BudgetIdentity, "subject">): readonly BudgetState[] {
    return [...this.#byName.get(name) ?? []].filter((state) =>
      state.definition === definition && state.window.startMs === window.startMs
    );
  }

  changed(state: BudgetState): void {
    const { rows, onChanged } = this.#options;
    if (rows !== undefined) this.#changed.add(state);
    onChanged(state);
  }

  /** The rows that changed since the last call, without those of replaced definitions. */
  takeChanged(): readonly BudgetRow[] {
    const isKept = ({ name, definition }: BudgetState) =>
      (this.#options.definitionOf(name) ?? definition) === definition;
    const rows = [...this.#changed].filter(isKept).map((
      { name, subject, window, spent, held, requests, alerted },
    ) => ({
      name,
      subject,
      windowStartMs: window.startMs,
      windowEndMs: window.endMs ?? null,
      spent,
      held,
      requests,
      alerted,
    }));
    this.#changed.clear();
    return rows;
  }

  /** Forgets windows that ended long ago; they remain in the ledger. */
  #sweep(): void {
    for (const [key, state] of this.#states) {
      if (state.held > 0n || this.#changed.has(state)) continue;
      if (isLongPast(state.window.endMs, this.#options.nowMs())) this.#forget(key);
    }
    this.#sweepAt = Math.max(SWEEP_STATES, 2 * this.#states.size);
  }

  #add(key: string, state: BudgetState): void {
    this.#states.set(key, state);
    const named = this.#byName.get(state.name);
    if (named === undefined) this.#byName.set(state.name, new Set([state]));
    else named.add(state);
  }

  #forget(key: string): void {
    const state = this.#states.get(key);
    if (state !== undefined) this.#byName.get(state.name)?.delete(state);
    this.#states.delete(key);
    for (const name of namesOf(key)) this.#options.store.forget(name);
  }
}

/** Whether a window ended so long ago that no correction of the clock will return to it. */
function isLongPast(endMs: number | undefined, nowMs: number): boolean {
  return endMs !== undefined && endMs + PAST_MS < nowMs;
}

function keyOf({ name, definition, subject, window }: BudgetIdentity): string {
  return `${name} ${definition} ${subject} ${window.startMs}`;
}

/** The names of a state's counters. */
function namesOf(key: string) {
  return [
    `budget spent ${key}`,
    `budget held ${key}`,
    `budget beyond ${key}`,
    `budget requests ${key}`,
    `budget alerted ${key}`,
  ] as const;
}
