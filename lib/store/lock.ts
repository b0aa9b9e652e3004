/** A lock between threads, for work that takes less than a microsecond. */

/** Attempts before the thread lets others run. */
const SPINS = 200;
/** Its holder may need the processor that the waiting thread occupies. */
const YIELD_MS = 0.05;

/** One word of shared memory: 0 while the lock is free, otherwise the number of the thread that holds it plus one. */
export class Lock {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #mine: number;

  constructor(words: Int32Array, at: number, thread: number) {
    this.#words = words;
    this.#at = at;
    this.#mine = thread + 1;
  }

  /** Runs `work`, which must neither wait nor take the same lock, while no other thread holds it. */
  run<Result>(work: () => Result): Result {
    this.take();
    try {
      return work();
    } finally {
      this.free();
    }
  }

  /** Takes the lock for work that neither waits nor takes it again, and that always frees it. */
  take(): void {
    for (let spins = 0;; spins++) {
      const holder = Atomics.compareExchange(this.#words, this.#at, 0, this.#mine);
      if (holder === 0) return;
      if (spins >= SPINS) Atomics.wait(this.#words, this.#at, holder, YIELD_MS);
    }
  }

  free(): void {
    Atomics.store(this.#words, this.#at, 0);
  }

  /** Frees the lock if the thread holds it, which has died. */
  freeFrom(thread: number): void {
    Atomics.compareExchange(this.#words, this.#at, thread + 1, 0);
  }
}
