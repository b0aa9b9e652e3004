/** A lock between threads, for work that takes less than a microsecond. */

/** Attempts before the thread lets others run. */
const SPINS = 200;
/** Its holder may need the processor that the waiting thread occupies. */
const YIELD_MS = 0.05;
/** Waits, together a second or more, after which the holder must have died. */
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
    if (Atomics.compareExchange(this.#words, this.#at, 0, this.#mine) !== 0) this.#wait();
  }

  /**
   * Waits for the lock. A holder that does not free it is a thread that died at work, or was stopped: if this is the
   * thread that would report its death, nobody else can free the lock.
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

  /** Frees the lock, unless it was taken away meanwhile. */
  free(): void {
    Atomics.compareExchange(this.#words, this.#at, this.#mine, 0);
  }

  /** Frees the lock if the thread holds it, which has died. */
  freeFrom(thread: number): void {
    Atomics.compareExchange(this.#words, this.#at, thread + 1, 0);
  }
}
