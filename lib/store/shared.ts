/** Counters in memory that the threads of one process share. */

import type { Lock } from "./lock.ts";
import { MemoryStore } from "./memory.ts";
import {
  type NamedWords,
  NameIndex,
  newSharedMemory,
  newThreadMemory,
  type SharedMemory,
} from "./name_index.ts";
import type { Cell, Numbers, Section, Store, Tally } from "./store.ts";

/** One thread's access to the shared counters, as plain data. */
export interface StoreAccess {
  readonly memory: SharedMemory;
  /** What the thread has taken of each tally, for the time after its death. */
  readonly taken: SharedArrayBuffer;
  /** Number of the thread, below `MAX_THREADS`; one at a time has it. */
  readonly thread: number;
}

/** Access of the main thread to new counters. */
export function newStoreAccess(): StoreAccess {
  return { memory: newSharedMemory(), taken: newThreadMemory(), thread: 0 };
}

/** Access of another thread to the same counters. */
export function storeAccessFor(thread: number, { memory }: StoreAccess): StoreAccess {
  return { memory, taken: newThreadMemory(), thread };
}

/** The counters of the process. Where their memory is full, further ones are of this thread only. */
export class SharedStore implements Store {
  readonly #index: NameIndex;
  readonly #words: Float64Array;
  readonly #taken: Float64Array;
  readonly #onFull: () => void;
  /** By name: the kinds of what this thread uses. */
  readonly #used = new Map<string, Set<Kind>>();
  readonly #overflow = new MemoryStore();

  constructor({ memory, taken, thread }: StoreAccess, onFull: () => void = () => {}) {
    this.#index = new NameIndex(memory, thread);
    this.#words = new Float64Array(memory.words);
    this.#taken = new Float64Array(taken);
    this.#onFull = onFull;
  }

  cell(name: string): Cell {
    const words = this.#open("cell", name, 1);
    return words === undefined ? this.#overflow.cell(name) : new SharedCell(words, this.#words);
  }

  tally(name: string): Tally {
    const words = this.#open("tally", name, 1);
    return words === undefined
      ? this.#overflow.tally(name)
      : new LockedTally(words.lock, this.#tallyAt(words));
  }

  numbers(name: string, length: number): Numbers {
    const words = this.#open("numbers", name, length);
    if (words === undefined) return this.#overflow.numbers(name, length);
    return new SharedNumbers(words.lock, this.#numbersAt(words));
  }

  section(name: string): Section {
    const words = this.#open("section", name, 1);
    if (words === undefined) return this.#overflow.section();
    const { lock, lockedAt } = words;
    return new SharedSection(lock, {
      numbers: (of, length) => {
        const own = this.#open("numbers in section", of, length, lockedAt);
        return own === undefined ? this.#overflow.section().numbers(of, length) : this.#numbersAt(own);
      },
      tally: (of) => {
        const own = this.#open("tally in section", of, 1, lockedAt);
        return own === undefined ? this.#overflow.section().tally(of) : this.#tallyAt(own);
      },
    });
  }

  forget(name: string): void {
    for (const kind of this.#used.get(name) ?? []) this.#index.close(`${kind} ${name}`);
    this.#used.delete(name);
    this.#overflow.forget(name);
  }

  /** Gives back what a thread that has died had taken; its number can be used again. */
  giveBack({ taken, thread }: Pick<StoreAccess, "taken" | "thread">): void {
    const amounts = new Float64Array(taken);
    this.#index.closeAll(thread, ({ first, length, lock }) => {
      for (let at = first; at < first + length; at++) {
        const amount = amounts[at] ?? 0;
        if (amount !== 0) lock.run(() => add(this.#words, at, -amount));
      }
    });
  }

  #numbersAt({ first, length }: NamedWords): Float64Array {
    return this.#words.subarray(first, first + length);
  }

  #tallyAt({ first }: NamedWords): Tally {
    return new WordTally({ words: this.#words, taken: this.#taken, at: first });
  }

  #open(kind: Kind, name: string, length: number, lockedAt?: number): NamedWords | undefined {
    const words = this.#index.open(`${kind} ${name}`, length, lockedAt);
    if (words === undefined) this.#onFull();
    else {
      const kinds = this.#used.get(name);
      if (kinds === undefined) this.#used.set(name, new Set([kind]));
      else kinds.add(kind);
    }
    return words;
  }
}

type Kind = "cell" | "tally" | "numbers" | "section" | "numbers in section" | "tally in section";

function add(numbers: Float64Array, at: number, amount: number): void {
  numbers[at] = (numbers[at] ?? 0) + amount;
}

/** Under a lock of its own: 64-bit atomics would make an object for each value. */
class SharedCell implements Cell {
  readonly #lock: Lock;
  readonly #words: Float64Array;
  readonly #at: number;

  constructor({ lock, first }: NamedWords, words: Float64Array) {
    this.#lock = lock;
    this.#words = words;
    this.#at = first;
  }

  load(): number {
    this.#lock.take();
    const value = this.#words[this.#at] ?? 0;
    this.#lock.free();
    return value;
  }

  swap(expected: number, next: number): boolean {
    this.#lock.take();
    const isExpected = this.#words[this.#at] === expected;
    if (isExpected) this.#words[this.#at] = next;
    this.#lock.free();
    return isExpected;
  }
}

/** A tally in words that no other thread uses meanwhile. */
class WordTally implements Tally {
  readonly #words: Float64Array;
  readonly #taken: Float64Array;
  readonly #at: number;

  constructor({ words, taken, at }: TallyWords) {
    this.#words = words;
    this.#taken = taken;
    this.#at = at;
  }

  get total(): number {
    return this.#words[this.#at] ?? 0;
  }

  take(amount: number, max = Infinity): boolean {
    if (this.total + amount > max) return false;
    add(this.#words, this.#at, amount);
    add(this.#taken, this.#at, amount);
    return true;
  }

  give(amount: number): void {
    add(this.#words, this.#at, -amount);
    add(this.#taken, this.#at, -amount);
  }
}

interface TallyWords {
  readonly words: Float64Array;
  /** What this thread has taken. */
  readonly taken: Float64Array;
  readonly at: number;
}

class LockedTally implements Tally {
  readonly #lock: Lock;
  readonly #tally: Tally;

  constructor(lock: Lock, tally: Tally) {
    this.#lock = lock;
    this.#tally = tally;
  }

  get total(): number {
    this.#lock.take();
    const { total } = this.#tally;
    this.#lock.free();
    return total;
  }

  take(amount: number, max?: number): boolean {
    this.#lock.take();
    const isTaken = this.#tally.take(amount, max);
    this.#lock.free();
    return isTaken;
  }

  give(amount: number): void {
    this.#lock.take();
    this.#tally.give(amount);
    this.#lock.free();
  }
}

class SharedNumbers implements Numbers {
  readonly #lock: Lock;
  readonly #numbers: Float64Array;

  constructor(lock: Lock, numbers: Float64Array) {
    this.#lock = lock;
    this.#numbers = numbers;
  }

  run<Input, Result>(work: (numbers: Float64Array, input?: Input) => Result, input?: Input): Result {
    this.#lock.take();
    try {
      return work(this.#numbers, input);
    } finally {
      this.#lock.free();
    }
  }
}

class SharedSection implements Section {
  readonly #lock: Lock;
  readonly numbers: Section["numbers"];
  readonly tally: Section["tally"];

  constructor(lock: Lock, { numbers, tally }: Pick<Section, "numbers" | "tally">) {
    this.#lock = lock;
    this.numbers = numbers;
    this.tally = tally;
  }

  enter(): void {
    this.#lock.take();
  }

  leave(): void {
    this.#lock.free();
  }
}
