/** The names in shared memory: a hash table that all threads read and change, with the place of each name's words. */

import { createHash } from "node:crypto";
import { Lock } from "./lock.ts";

/** The capacity of a memory; pages that are not used are never touched. */
export interface Room {
  /** Maximum number of names; a power of two. */
  readonly names: number;
  /** Maximum number of words, each a 64-bit number. */
  readonly words: number;
}

/** With a larger share of the names in use, searches would take long. */
const MAX_FILLED = 3 / 4;

/**
 * Members of an entry: the hash of its name (four), the threads that use it, its lock, its first word, its length, and
 * the position of the lock of its words, which may be that of another entry, in this table or the one before it.
 */
const HASH = 4;
const USERS = 4;
const LOCK = 5;
const FIRST = 6;
const LENGTH = 7;
const LOCKED_AT = 8;
const MEMBERS = 9;

/** Members before the entries: the lock of the table, the number of words in use, and that of entries ever used. */
const TABLE_LOCK = 0;
const USED_WORDS = 1;
const FILLED = 2;
const HEAD = 8;

/** Maximum number of threads, as each is one bit of an entry's users. */
export const MAX_THREADS = 32;

/** The buffers that all threads share, as plain data. */
export interface SharedMemory {
  readonly index: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
}

/** New memory for the process. */
export function newSharedMemory({ names, words }: Room): SharedMemory {
  return {
    index: new SharedArrayBuffer(4 * (HEAD + names * MEMBERS)),
    words: new SharedArrayBuffer(8 * words),
  };
}

/** New memory for the amounts that one thread has taken of each word. */
export function newThreadMemory({ words }: SharedMemory): SharedArrayBuffer {
  return new SharedArrayBuffer(words.byteLength);
}

/** The words of a name. */
export interface NamedWords {
  readonly first: number;
  readonly length: number;
  readonly lock: Lock;
  /** The position of the lock in this table or, as its bitwise complement, in the table before it. */
  readonly lockedAt: number;
}

/** The key of a name: 128 bits of its SHA-256, for which collisions need not be considered. */
export type NameHash = Int32Array;

/** One thread's view of the table. */
export class NameIndex {
  readonly #index: Int32Array;
  readonly #before: Int32Array | undefined;
  readonly #words: Float64Array;
  readonly #names: number;
  readonly #thread: number;
  readonly #lock: Lock;

  /** Words can share locks of the memory `before` this one, if there is one. */
  constructor({ index, words }: SharedMemory, thread: number, before?: SharedMemory) {
    this.#index = new Int32Array(index);
    this.#before = before && new Int32Array(before.index);
    this.#words = new Float64Array(words);
    this.#names = (this.#index.length - HEAD) / MEMBERS;
    this.#thread = thread;
    this.#lock = new Lock(this.#index, TABLE_LOCK, thread);
  }

  /**
   * The words of a name, which are 0 if it is new; undefined if there is no room for it. Their lock is at `lockedAt`;
   * default: in their own entry. A name is always opened with the same lock.
   */
  open(hash: NameHash, length: number, lockedAt?: number): NamedWords | undefined {
    return this.#lock.run(() => {
      const entry = this.#find(hash, length);
      if (entry !== undefined) this.#index[entry + LOCKED_AT] = lockedAt ?? entry + LOCK;
      return this.#used(entry);
    });
  }

  /** The words of a known name; undefined for an unknown one, which is not added. */
  openKnown(hash: NameHash): NamedWords | undefined {
    return this.#lock.run(() => this.#used(this.#search(hash, 0).found));
  }

  /** Gives up a name. Its words stay as they are until another name needs the room. */
  close(hash: NameHash): void {
    this.#lock.run(() => {
      const entry = this.#search(hash, 0).found;
      if (entry !== undefined) this.#leave(entry, this.#thread);
    });
  }

  /** Gives up every name of a dead thread; `onWords` is called with the words of each. */
  closeAll(thread: number, onWords: (words: NamedWords) => void): void {
    this.#lock.freeFrom(thread);
    this.#lock.run(() => {
      for (let entry = HEAD; entry < this.#index.length; entry += MEMBERS) {
        if (((this.#index[entry + USERS] ?? 0) & (1 << thread)) === 0) continue;
        const words = this.#wordsAt(entry);
        words.lock.freeFrom(thread);
        onWords(words);
        this.#leave(entry, thread);
      }
    });
  }

  #used(entry: number | undefined): NamedWords | undefined {
    if (entry === undefined) return undefined;
    this.#or(entry, 1 << this.#thread);
    return this.#wordsAt(entry);
  }

  #find(hash: NameHash, length: number): number | undefined {
    const { found, free, end } = this.#search(hash, length);
    if (found !== undefined) return found;
    const entry = (end === undefined ? undefined : this.#newEntry(end, length)) ?? this.#cleared(free);
    if (entry !== undefined) this.#index.set(hash, entry);
    return entry;
  }

  /** The entry with the hash; otherwise an unused one of the same length, and the first that was never used. */
  #search(hash: NameHash, length: number): Search {
    let free: number | undefined;
    for (let step = 0; step < this.#names; step++) {
      const entry = HEAD + (((hash[0] ?? 0) + step) & (this.#names - 1)) * MEMBERS;
      const known = this.#at(entry + LENGTH);
      if (known === 0) return { free, end: entry };
      if (hash.every((part, index) => this.#at(entry + index) === part)) return { found: entry };
      if (known === length && this.#at(entry + USERS) === 0) free ??= entry;
    }
    return { free };
  }

  #newEntry(entry: number, length: number): number | undefined {
    const first = this.#at(USED_WORDS);
    const isFull = this.#at(FILLED) >= this.#names * MAX_FILLED;
    if (isFull || first + length > this.#words.length) return undefined;
    this.#index[USED_WORDS] = first + length;
    this.#index[FILLED] = this.#at(FILLED) + 1;
    this.#index[entry + FIRST] = first;
    this.#index[entry + LENGTH] = length;
    return entry;
  }

  #cleared(entry: number | undefined): number | undefined {
    if (entry === undefined) return undefined;
    const { first, length } = this.#wordsAt(entry);
    this.#words.fill(0, first, first + length);
    return entry;
  }

  #leave(entry: number, thread: number): void {
    this.#index[entry + USERS] = this.#at(entry + USERS) & ~(1 << thread);
  }

  #or(entry: number, bit: number): void {
    this.#index[entry + USERS] = this.#at(entry + USERS) | bit;
  }

  #wordsAt(entry: number): NamedWords {
    const lockedAt = this.#at(entry + LOCKED_AT);
    return {
      first: this.#at(entry + FIRST),
      length: this.#at(entry + LENGTH),
      lock: lockedAt < 0
        ? new Lock(this.#before ?? this.#index, ~lockedAt, this.#thread)
        : new Lock(this.#index, lockedAt, this.#thread),
      lockedAt,
    };
  }

  #at(index: number): number {
    return this.#index[index] ?? 0;
  }
}

interface Search {
  readonly found?: number;
  readonly free?: number | undefined;
  readonly end?: number | undefined;
}

/** The hash of a name. */
export function hashOf(name: string): NameHash {
  const digest = new Uint8Array(createHash("sha256").update(name).digest());
  return new Int32Array(digest.buffer, digest.byteOffset, HASH);
}
