/** Counters in memory that all threads of a process share. */

import type { Lock } from "./lock.ts";
import { MemoryStore } from "./memory.ts";
import {
  hashOf,
  type NamedWords,
  type NameHash,
  NameIndex,
  newSharedMemory,
  newThreadMemory,
  type Room,
  type SharedMemory,
} from "./name_index.ts";
import type { Cell, Numbers, Section, Store, Tally } from "./store.ts";

/** One thread's access to the shared counters, as plain data. */
export interface StoreAccess {
  /** One or two. New names go to the last one; the one before it keeps those that it has. */
  readonly parts: readonly PartAccess[];
  /** The number of the thread, below `MAX_THREADS`; no two running threads have the same. */
  readonly thread: number;
}

interface PartAccess {
  readonly memory: SharedMemory;
  /** What the thread has taken of each tally, so that it can be given back after its death. */
  readonly taken: SharedArrayBuffer;
}

/**
 * The capacity at the start. The runtimes count all of a memory as allocated, used or not: with megabytes, Bun 1.4.4
 * would collect garbage twice before it answers the first request.
 */
const FIRST_ROOM: Room = { names: 2 ** 13, words: 2 ** 15 };
/** The capacity that is added when the first is used up, or before a second thread starts. */
const ROOM: Room = { names: 2 ** 18, words: 2 ** 20 };

function newPart(room: Room): PartAccess {
  const memory = newSharedMemory(room);
  return { memory, taken: newThreadMemory(memory) };
}

/** The main thread's access to new counters. */
export function newStoreAccess(): StoreAccess {
  return { parts: [newPart(FIRST_ROOM)], thread: 0 };
}

/** The counters of the process. When their memory is full, further ones exist in this thread only. */
export class SharedStore implements Store {
  readonly #thread: number;
  readonly #parts: Part[] = [];
  readonly #onFull: () => void;
  /** The kinds of counters that this thread uses, by name. */
  readonly #used = new Map<string, Set<Kind>>();
  readonly #overflow = new MemoryStore();

  constructor({ parts, thread }: StoreAccess, onFull: () => void = () => {}) {
    this.#thread = thread;
    for (const part of parts) this.#add(part);
    this.#onFull = onFull;
  }

  /** Another thread's access to the same counters; only the main thread may call this. */
  accessFor(thread: number): StoreAccess {
    // Threads would not learn of a part that is added after they have started.
    if (this.#canGrow) this.#add(newPart(ROOM));
    const parts = this.#parts.map(({ memory }) => ({ memory, taken: newThreadMemory(memory) }));
    return { parts, thread };
  }

  cell(name: string): Cell {
    const opened = this.#open("cell", name, 1);
    return opened === undefined ? this.#overflow.cell(name) : new SharedCell(opened);
  }

  tally(name: string): Tally {
    const opened = this.#open("tally", name, 1);
    return opened === undefined
      ? this.#overflow.tally(name)
      : new LockedTally(opened.lock, new WordTally(opened));
  }

  numbers(name: string, length: number): Numbers {
    const opened = this.#open("numbers", name, length);
    if (opened === undefined) return this.#overflow.numbers(name, length);
    return new SharedNumbers(opened.lock, numbersOf(opened));
  }

  section(name: string): Section {
    const section = this.#open("section", name, 1);
    if (section === undefined) return this.#overflow.section();
    return new SharedSection(section.lock, {
      numbers: (of, length) => {
        const own = this.#open("numbers in section", of, length, section);
        return own === undefined ? this.#overflow.section().numbers(of, length) : numbersOf(own);
      },
      tally: (of) => {
        const own = this.#open("tally in section", of, 1, section);
        return own === undefined ? this.#overflow.section().tally(of) : new WordTally(own);
      },
    });
  }

  forget(name: string): void {
    for (const kind of this.#used.get(name) ?? []) {
      const hash = hashOf(`${kind} ${name}`);
      for (const part of this.#parts) part.index.close(hash);
    }
    this.#used.delete(name);
    this.#overflow.forget(name);
  }

  /** Gives back what a dead thread had taken; its number can be used again. */
  giveBack({ parts, thread }: StoreAccess): void {
    for (const [index, { taken }] of parts.entries()) this.#parts[index]?.giveBack(thread, taken);
  }

  /** Whether a part can be added: no other thread has had access so far. */
  get #canGrow(): boolean {
    return this.#thread === 0 && this.#parts.length === 1;
  }

  #add(access: PartAccess): Part {
    const part = new Part(access, this.#thread, this.#parts.at(-1)?.memory);
    this.#parts.push(part);
    return part;
  }

  #open(kind: Kind, name: string, length: number, section?: Opened): Opened | undefined {
    const opened = this.#find(hashOf(`${kind} ${name}`), length, section);
    if (opened === undefined) this.#onFull();
    else {
      const kinds = this.#used.get(name);
      if (kinds === undefined) this.#used.set(name, new Set([kind]));
      else kinds.add(kind);
    }
    return opened;
  }

  #find(hash: NameHash, length: number, section: Opened | undefined): Opened | undefined {
    const [first, second] = this.#parts;
    if (second !== undefined) return first?.openKnown(hash) ?? second.open(hash, length, section);
    const opened = first?.open(hash, length, section);
    if (opened !== undefined || !this.#canGrow) return opened;
    return this.#add(newPart(ROOM)).open(hash, length, section);
  }
}

/** One thread's view of a part of the memory. */
class Part {
  readonly memory: SharedMemory;
  readonly index: NameIndex;
  readonly #words: Float64Array;
  readonly #taken: Float64Array;

  constructor({ memory, taken }: PartAccess, thread: number, before: SharedMemory | undefined) {
    this.memory = memory;
    this.index = new NameIndex(memory, thread, before);
    this.#words = new Float64Array(memory.words);
    this.#taken = new Float64Array(taken);
  }

  /** Opens a name. One in a section uses the section's lock, which may be in the part before. */
  open(hash: NameHash, length: number, section: Opened | undefined): Opened | undefined {
    const lockedAt = section && (section.part === this ? section.lockedAt : ~section.lockedAt);
    return this.#opened(this.index.open(hash, length, lockedAt));
  }

  openKnown(hash: NameHash): Opened | undefined {
    return this.#opened(this.index.openKnown(hash));
  }

  giveBack(thread: number, taken: SharedArrayBuffer): void {
    const amounts = new Float64Array(taken);
    this.index.closeAll(thread, ({ first, length, lock }) => {
      for (let at = first; at < first + length; at++) {
        const amount = amounts[at] ?? 0;
        if (amount !== 0) lock.run(() => add(this.#words, at, -amount));
      }
    });
  }

  #opened(named: NamedWords | undefined): Opened | undefined {
    return named && { ...named, part: this, words: this.#words, taken: this.#taken };
  }
}

/** The words of a name, and the memory that contains them. */
interface Opened extends NamedWords {
  readonly part: Part;
  readonly words: Float64Array;
  /** What this thread has taken. */
  readonly taken: Float64Array;
}

function numbersOf({ words, first, length }: Opened): Float64Array {
  return words.subarray(first, first + length);
}

type Kind = "cell" | "tally" | "numbers" | "section" | "numbers in section" | "tally in section";

function add(numbers: Float64Array, at: number, amount: number): void {
  numbers[at] = (numbers[at] ?? 0) + amount;
}

/** A cell with its own lock, as 64-bit atomics would allocate a bigint for each value. */
class SharedCell implements Cell {
  readonly #lock: Lock;
  readonly #words: Float64Array;
  readonly #at: number;

  constructor({ lock, first, words }: Opened) {
    this.#lock = lock;
    this.#words = words;
    this.#at = first;
  }

  load(): number {
    this.#lock.take();
    try {
      return this.#words[this.#at] ?? 0;
    } finally {
      this.#lock.free();
    }
  }

  swap(expected: number, next: number): boolean {
    this.#lock.take();
    try {
      if (this.#words[this.#at] !== expected) return false;
      this.#words[this.#at] = next;
      return true;
    } finally {
      this.#lock.free();
    }
  }
}

/** A tally in words that no other thread uses during its methods. */
class WordTally implements Tally {
  readonly #words: Float64Array;
  readonly #taken: Float64Array;
  readonly #at: number;

  constructor({ words, taken, first }: Opened) {
    this.#words = words;
    this.#taken = taken;
    this.#at = first;
  }

  get total(): number {
    return this.#words[this.#at] ?? 0;
  }

  take(amount: number, max = Infinity): boolean {
    if (this.total + amount > max) return false;
    this.#change(amount);
    return true;
  }

  give(amount: number): void {
    this.#change(-amount);
  }

  /** Without calls in between: a terminated thread mostly ends at one, and would leave only one of the two changed. */
  #change(amount: number): void {
    const words = this.#words;
    const taken = this.#taken;
    const at = this.#at;
    words[at] = (words[at] ?? 0) + amount;
    taken[at] = (taken[at] ?? 0) + amount;
  }
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
    try {
      return this.#tally.total;
    } finally {
      this.#lock.free();
    }
  }

  take(amount: number, max?: number): boolean {
    this.#lock.take();
    try {
      return this.#tally.take(amount, max);
    } finally {
      this.#lock.free();
    }
  }

  give(amount: number): void {
    this.#lock.take();
    try {
      this.#tally.give(amount);
    } finally {
      this.#lock.free();
    }
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
