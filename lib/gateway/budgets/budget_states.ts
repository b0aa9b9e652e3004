/** What has been spent of every budget, by subject and window. It outlives configurations, and is kept on disk. */

import type { Budget, BudgetRow } from "../../snapshot/budget.ts";
import type { Window } from "./windows.ts";

/** One subject's window. */
export class BudgetState {
  /** Nanodollars, tokens or requests. */
  spent = 0n;
  held = 0n;
  /** The most that in-flight requests could cost beyond what they hold. */
  beyond = 0n;
  requests = 0;
  alerted = 0;

  constructor(readonly name: string, readonly subject: string, readonly window: Window) {}

  get used(): bigint {
    return this.spent + this.held;
  }
}

/** Windows of earlier configurations and times; enough for a year of days of a few hundred subjects. */
const MAX_STATES = 100_000;

/** The states of all budgets. */
export class BudgetStates {
  readonly #states = new Map<string, BudgetState>();
  readonly #changed = new Set<BudgetState>();
  readonly #onChanged: () => void;

  /**
   * Continues with the rows of an earlier process. What its in-flight requests held when it died counts as spent, since
   * nobody knows what they cost.
   */
  constructor(rows: readonly BudgetRow[], onChanged: () => void) {
    this.#onChanged = onChanged;
    for (const row of rows) {
      const { name, subject, windowStartMs, windowEndMs } = row;
      const state = new BudgetState(name, subject, {
        startMs: windowStartMs,
        endMs: windowEndMs ?? undefined,
      });
      state.spent = row.spent + row.held;
      state.requests = row.requests;
      state.alerted = row.alerted;
      this.#states.set(keyOf(name, subject, windowStartMs), state);
      if (row.held > 0n) this.#changed.add(state);
    }
  }

  /** Amounts that the last process held when it died, by budget. */
  static heldIn(rows: readonly BudgetRow[]): ReadonlyMap<string, bigint> {
    const held = new Map<string, bigint>();
    for (const row of rows) {
      if (row.held > 0n) held.set(row.name, (held.get(row.name) ?? 0n) + row.held);
    }
    return held;
  }

  /** The state of a window, which begins with nothing spent. */
  of({ name }: Budget, subject: string, window: Window): BudgetState {
    const key = keyOf(name, subject, window.startMs);
    let state = this.#states.get(key);
    if (state === undefined) {
      if (this.#states.size >= MAX_STATES) this.#forgetOldest();
      state = new BudgetState(name, subject, window);
      this.#states.set(key, state);
    }
    return state;
  }

  /** Subjects of a budget that have a state in the window. */
  subjectsOf(name: string, startMs: number): readonly BudgetState[] {
    return [...this.#states.values()].filter((state) =>
      state.name === name && state.window.startMs === startMs
    );
  }

  changed(state: BudgetState): void {
    this.#changed.add(state);
    this.#onChanged();
  }

  /** The rows that changed since the last call. */
  takeChanged(): readonly BudgetRow[] {
    const rows = [...this.#changed].map(({ name, subject, window, spent, held, requests, alerted }) => ({
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

  #forgetOldest(): void {
    const [oldest] = [...this.#states].sort(([, one], [, other]) =>
      one.window.startMs - other.window.startMs
    );
    if (oldest !== undefined) this.#states.delete(oldest[0]);
  }
}

function keyOf(name: string, subject: string, startMs: number): string {
  return `${name} ${subject} ${startMs}`;
}
