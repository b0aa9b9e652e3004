/** Counters in the memory of one thread. */

import type { Cell, Numbers, Section, Store, Tally } from "./store.ts";

/** Counters that no other thread sees. */
export class MemoryStore implements Store {
  readonly #cells = new Map<string, Cell>();
  readonly #tallies = new Map<string, Tally>();
  readonly #numbers = new Map<string, Numbers>();
  readonly #numbersInSections = new Map<string, Float64Array>();
  readonly #talliesInSections = new Map<string, Tally>();
  /** Without a lock, as no other thread uses it. */
  readonly #section: Section = {
    enter() {},
    leave() {},
    numbers: (name, length) => entry(this.#numbersInSections, name, () => new Float64Array(length)),
    tally: (name) => entry(this.#talliesInSections, name, () => new MemoryTally()),
  };

  cell(name: string): Cell {
    return entry(this.#cells, name, () => new MemoryCell());
  }

  tally(name: string): Tally {
    return entry(this.#tallies, name, () => new MemoryTally());
  }

  numbers(name: string, length: number): Numbers {
    return entry(this.#numbers, name, () => new MemoryNumbers(length));
  }

  section(): Section {
    return this.#section;
  }

  forget(name: string): void {
    for (const map of [this.#cells, this.#tallies, this.#numbers]) map.delete(name);
    for (const map of [this.#numbersInSections, this.#talliesInSections]) map.delete(name);
  }
}

class MemoryCell implements Cell {
  #value = 0;

  load(): number {
    return this.#value;
  }

  swap(expected: number, next: number): boolean {
    if (this.#value !== expected) return false;
    this.#value = next;
    return true;
  }
}

class MemoryTally implements Tally {
  total = 0;

  take(amount: number, max = Infinity): boolean {
    if (this.total + amount > max) return false;
    this.total += amount;
    return true;
  }

  give(amount: number): void {
    this.total -= amount;
  }
}

class MemoryNumbers implements Numbers {
  readonly #numbers: Float64Array;

  constructor(length: number) {
    this.#numbers = new Float64Array(length);
  }

  run<Input, Result>(work: (numbers: Float64Array, input?: Input) => Result, input?: Input): Result {
    return work(this.#numbers, input);
  }
}

function entry<Value>(map: Map<string, Value>, name: string, make: () => Value): Value {
  let value = map.get(name);
  if (value === undefined) {
    value = make();
    map.set(name, value);
  }
  return value;
}
