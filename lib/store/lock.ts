/** A lock between threads, for work of less than a microsecond. */

/** Attempts before a waiting thread lets others run. */
const SPINS = 200;
/** Time to sleep, as the holder may need the processor that the waiting thread occupies. */
const YIELD_MS = 0.05;
/** Number of sleeps, a second or more in total, after which the holder must have died. */
const MAX_WAITS = 20_000;

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

  /** Runs `work` while no other thread holds the lock. It must neither wait nor take the same lock. */
  run<Result>(work: () => Result): Result {
    this.take();
    try {
      return work();
    } finally {
      this.free();
    }
  }

  /** Takes the lock. The caller must free it, and until then must neither wait nor take it again. */
  take(): void {
    if (Atomics.compareExchange(this.#words, this.#at, 0, this.#mine) !== 0) this.#wait();
  }

  /**
   * Waits for the lock. A holder that never frees it has died or was stopped. The lock is then taken over here, as this
   * may be the very thread that would learn of the death and free the lock.
   */
  #wait(): void {
    let known = 0;
    for (let spins = 1, waits = 0;; spins++) {
      const holder = Atomics.compareExchange(this.#words, this.#at, 0, this.#mine);
      if (holder === 0) return;
      if (spins < SPINS) continue;
      if (holder !== known) waits = 0;
      known = holder;
      const end = Atomics.wait(this.#words, this.#at, holder, YIELD_MS);
      waits = end === "timed-out" ? waits + 1 : 0;
      if (waits < MAX_WAITS) continue;
      if (Atomics.compareExchange(this.#words, this.#at, holder, this.#mine) === holder) return;
    }
  }

  /** Frees the lock, unless another thread has taken it over. */
  free(): void {
    Atomics.compareExchange(this.#words, this.#at, this.#mine, 0);
  }

  /** Frees the lock if this dead thread held it. */
  freeFrom(thread: number): void {
    Atomics.compareExchange(this.#words, this.#at, thread + 1, 0);
  }
}
