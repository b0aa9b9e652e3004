/** Counters in memory that the threads of one process share. */

import { TalliedCalls } from "./calls.ts";
import type { Lock } from "./lock.ts";
import { MemoryStore } from "./memory.ts";
import {
  type NamedWords,
  NameIndex,
  newSharedMemory,
  newThreadMemory,
  type SharedMemory,
} from "./name_index.ts";
import type { CallSet, Cell, Numbers, Store, Tally } from "./store.ts";

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
  readonly #words: BigInt64Array;
  readonly #floats: Float64Array;
  /** Integers. */
  readonly #taken: Float64Array;
  readonly #onFull: () => void;
  /** By name: the kinds of what this thread uses. */
  readonly #used = new Map<string, Set<Kind>>();
  readonly #overflow = new MemoryStore();

  constructor({ memory, taken, thread }: StoreAccess, onFull: () => void = () => {}) {
    this.#index = new NameIndex(memory, thread);
    this.#words = new BigInt64Array(memory.words);
    this.#floats = new Float64Array(memory.words);
    this.#taken = new Float64Array(taken);
    this.#onFull = onFull;
  }

  cell(name: string): Cell {
    const words = this.#open("cell", name, 1);
    return words === undefined ? this.#overflow.cell(name) : new SharedCell(this.#words, words.first);
  }

  tally(name: string): Tally {
    const words = this.#open("tally", name, 1);
    return words === undefined ? this.#overflow.tally(name) : this.#tallyAt(words);
  }

  calls(name: string): CallSet {
    const words = this.#open("calls", name, 1);
    return words === undefined ? this.#overflow.calls(name) : new TalliedCalls(this.#tallyAt(words));
  }

  numbers(name: string, length: number): Numbers {
    const words = this.#open("numbers", name, length);
    if (words === undefined) return this.#overflow.numbers(name, length);
    return new SharedNumbers(words.lock, this.#floats.subarray(words.first, words.first + length));
  }

  forget(name: string): void {
    for (const kind of this.#used.get(name) ?? []) this.#index.close(`${kind} ${name}`);
    this.#used.delete(name);
    this.#overflow.forget(name);
  }

  /** Gives back what a thread that has died had taken; its number can be used again. */
  giveBack({ taken, thread }: Pick<StoreAccess, "taken" | "thread">): void {
    const amounts = new Float64Array(taken);
    this.#index.closeAll(thread, ({ first, length }) => {
      for (let at = first; at < first + length; at++) {
        const amount = amounts[at] ?? 0;
        if (amount !== 0) Atomics.sub(this.#words, at, BigInt(amount));
      }
    });
  }

  #tallyAt({ first }: NamedWords): Tally {
    return new SharedTally({ words: this.#words, taken: this.#taken, at: first });
  }

  #open(kind: Kind, name: string, length: number): NamedWords | undefined {
    const words = this.#index.open(`${kind} ${name}`, length);
    if (words === undefined) this.#onFull();
    else {
      const kinds = this.#used.get(name);
      if (kinds === undefined) this.#used.set(name, new Set([kind]));
      else kinds.add(kind);
    }
    return words;
  }
}

type Kind = "cell" | "tally" | "calls" | "numbers";

class SharedCell implements Cell {
  readonly #words: BigInt64Array;
  readonly #at: number;

  constructor(words: BigInt64Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  load(): number {
    return Number(Atomics.load(this.#words, this.#at));
  }

  swap(expected: number, next: number): boolean {
    const known = BigInt(expected);
    return Atomics.compareExchange(this.#words, this.#at, known, BigInt(next)) === known;
  }
}

class SharedTally implements Tally {
  readonly #words: BigInt64Array;
  /** Integers. */
  readonly #taken: Float64Array;
  readonly #at: number;

  constructor({ words, taken, at }: TallyWords) {
    this.#words = words;
    this.#taken = taken;
    this.#at = at;
  }

  get total(): number {
    return Number(Atomics.load(this.#words, this.#at));
  }

  take(amount: number, max = Infinity): boolean {
    const value = toBigInt(amount);
    if (max === Infinity) Atomics.add(this.#words, this.#at, value);
    else {
      for (;;) {
        const known = Atomics.load(this.#words, this.#at);
        if (Number(known) + amount > max) return false;
        if (Atomics.compareExchange(this.#words, this.#at, known, known + value) === known) break;
      }
    }
    this.#note(amount);
    return true;
  }

  give(amount: number): void {
    Atomics.sub(this.#words, this.#at, toBigInt(amount));
    this.#note(-amount);
  }

  #note(amount: number): void {
    this.#taken[this.#at] = (this.#taken[this.#at] ?? 0) + amount;
  }
}

/** Nearly all amounts are 1, and every conversion makes an object. */
function toBigInt(amount: number): bigint {
  return amount === 1 ? 1n : BigInt(amount);
}

interface TallyWords {
  readonly words: BigInt64Array;
  readonly taken: Float64Array;
  readonly at: number;
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
