/** Initialises budgets that are new or count something different with the ledger's usage in their window. */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log/log.ts";
import type { Budgets } from "../gateway/budgets/budgets.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { KeptBudgets } from "../ledger/messages.ts";
import { BUDGET_DEFINITIONS } from "../ledger/used.ts";
import { type Budget, type BudgetRow, definitionOf } from "../snapshot/budget.ts";
import type { Scope } from "../snapshot/limits.ts";

export interface BudgetRefillsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ledger: Ledger;
  /** The states that an earlier process left. */
  readonly kept: KeptBudgets;
  /** The budgets of the configuration at the start. */
  readonly budgets: readonly Budget[];
}

interface Defined {
  readonly budget: Budget;
  readonly definition: string;
}

/** One per process with a ledger. */
export class BudgetRefills {
  readonly #options: BudgetRefillsOptions;
  /** By name. */
  #defined: ReadonlyMap<string, Defined>;
  /** The definitions last written to the ledger, as JSON. */
  #noted: string | undefined;
  /** Budgets at the start without a usable row. */
  readonly #unknown: readonly Budget[];
  /** States of an earlier process that budgets continue with. */
  readonly rows: readonly BudgetRow[];

  constructor(options: BudgetRefillsOptions) {
    const { kept: { rows, definitions }, budgets } = options;
    this.#options = options;
    this.#noted = definitions;
    this.#defined = defined(budgets, new Map());
    const names = new Set(rows.map(({ name }) => name));
    const known: Readonly<Record<string, string>> | undefined = definitions === undefined
      ? undefined
      : JSON.parse(definitions);
    // A file without definitions was written by a version that only compared names.
    const isKnown = ({ budget: { name }, definition }: Defined) =>
      known === undefined ? names.has(name) : Object.hasOwn(known, name) && known[name] === definition;
    this.#unknown = [...this.#defined.values()].filter((each) => !isKnown(each)).map(({ budget }) => budget);
    const refilled = new Set(this.#unknown.map(({ name }) => name));
    this.rows = rows.filter(({ name }) => !refilled.has(name));
  }

  /** Fills the budgets of the start. */
  start(budgets: Budgets): Promise<void> {
    const subjects = Map.groupBy(this.#options.kept.rows, ({ name }) => name);
    return this.#fill(
      budgets,
      this.#unknown,
      (name) => (subjects.get(name) ?? []).map(({ subject }) => subject),
    );
  }

  /** Fills the budgets that another configuration has changed. */
  use(budgets: Budgets, current: readonly Budget[]): Promise<void> {
    const before = this.#defined;
    this.#defined = defined(current, before);
    const changed = [...this.#defined.values()].filter(({ budget, definition }) =>
      before.get(budget.name)?.definition !== definition
    );
    return this.#fill(budgets, changed.map(({ budget }) => budget), () => []);
  }

  async #fill(
    budgets: Budgets,
    changed: readonly Budget[],
    subjectsOf: (name: string) => readonly string[],
  ): Promise<void> {
    const { clock, logger, ledger } = this.#options;
    const toMs = clock.now() + 1;
    const names = changed.map(({ name }) => name).slice(0, MAX_LOGGED);
    const refills = changed.map((budget) => budgets.refill(budget, subjectsOf(budget.name)));
    let isUsed = false;
    try {
      for (const [fromMs, group] of Map.groupBy(refills, (refill) => refill.fromMs)) {
        const used = Map.groupBy(await ledger.used({ fromMs, toMs }), ({ caller }) => caller);
        for (const refill of group) refill.finish(used);
        isUsed ||= used.size > 0;
      }
      if (isUsed) {
        logger.log("info", "new and changed budgets start with their usage in the ledger", {
          budgets: names,
        });
      }
      this.#note();
    } catch (error) {
      logger.log("warn", "new and changed budgets start at zero: the ledger cannot be read", {
        budgets: names,
        error: messageOf(error),
      });
    }
  }

  /** Writes the definitions, so that the next process knows which rows it may continue from. */
  #note(): void {
    const definitions = [...this.#defined].map(([name, { definition }]) => [name, definition] as const);
    const json = JSON.stringify(Object.fromEntries(definitions));
    if (json === (this.#noted ?? "{}")) return;
    this.#noted = json;
    this.#options.ledger.note({ kind: BUDGET_DEFINITIONS, subject: "", json });
  }
}

const MAX_LOGGED = 20;

function defined(
  budgets: readonly Budget[],
  before: ReadonlyMap<string, Defined>,
): ReadonlyMap<string, Defined> {
  return new Map(budgets.map((budget) => {
    const known = before.get(budget.name);
    // There may be a budget for each of thousands of callers, and a reload seldom changes one.
    const definition = known !== undefined && isSame(known.budget, budget)
      ? known.definition
      : definitionOf(budget);
    return [budget.name, { budget, definition }];
  }));
}

function isSame(one: Budget, other: Budget): boolean {
  return one.unit === other.unit && one.each === other.each && one.window === other.window &&
    one.timeZone === other.timeZone && isSameScope(one.scope, other.scope);
}

function isSameScope(one: Scope, other: Scope): boolean {
  const tags = Object.keys(one.tags);
  return isSameList(one.callers, other.callers) && isSameList(one.teams, other.teams) &&
    isSameList(one.models, other.models) && tags.length === Object.keys(other.tags).length &&
    tags.every((tag) => isSameList(one.tags[tag], other.tags[tag]));
}

function isSameList(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && one.length === other.length &&
    one.every((each, index) => each === other[index]));
}
